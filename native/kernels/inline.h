#ifndef HEARTH_KERNELS_INLINE_H_
#define HEARTH_KERNELS_INLINE_H_

// The unpacked weights of a block stay in registers only if their producer and consumer are inlined
// into one function; and compilers treat a function that only prefetches as one without effect.
#ifdef HEARTH_INLINE
// As a test wants it.
#elif defined(_MSC_VER)
#define HEARTH_INLINE __forceinline
#else
#define HEARTH_INLINE inline __attribute__((always_inline))
#endif

// Before a loop over the registers of a block, which are none where it stays a loop.
#if defined(__clang__)
#define HEARTH_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define HEARTH_UNROLL _Pragma("GCC unroll 16")
#else
#define HEARTH_UNROLL
#endif

// Forces vector v to be computed here. GCC otherwise does all multiplications of a tile before any
// addition and spills registers.
#if defined(__GNUC__) && defined(__x86_64__)
#define HEARTH_IN_ORDER(v) __asm__("" : "+x"(v))
#else
#define HEARTH_IN_ORDER(v) static_cast<void>(0)
#endif

#endif  // HEARTH_KERNELS_INLINE_H_
