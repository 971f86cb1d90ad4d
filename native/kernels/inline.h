#ifndef HEARTH_KERNELS_INLINE_H_
#define HEARTH_KERNELS_INLINE_H_

// The unpacked weights of a block live in registers only where their producer and consumer are one
// function; and a function that does nothing but prefetch counts as one that does nothing.
#ifdef _MSC_VER
#define HEARTH_INLINE __forceinline
#else
#define HEARTH_INLINE inline __attribute__((always_inline))
#endif

#endif  // HEARTH_KERNELS_INLINE_H_
