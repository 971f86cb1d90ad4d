// The JavaScript object `CodeIndex`: a memory of code at hand, and what it does to a distribution.
#ifndef HEARTH_ADDON_CODE_INDEX_OBJECT_H_
#define HEARTH_ADDON_CODE_INDEX_OBJECT_H_

#include <napi.h>

#include <memory>
#include <vector>

#include "engine/generation.h"

namespace hearth::addon {

// Used on the JavaScript thread. Generations under way share what it holds, which lives as long as
// one of them.
class CodeIndexObject : public Napi::ObjectWrap<CodeIndexObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  // info: NativeCodeIndexOptions, External<const Kernels*>
  explicit CodeIndexObject(const Napi::CallbackInfo& info);

  std::shared_ptr<const CodeMemory> memory() const { return memory_; }

 private:
  Napi::Value Append(const Napi::CallbackInfo& info);
  Napi::Value Forget(const Napi::CallbackInfo& info);
  Napi::Value Size(const Napi::CallbackInfo& info);
  Napi::Value Lookup(const Napi::CallbackInfo& info);
  Napi::Value Mix(const Napi::CallbackInfo& info);

  std::shared_ptr<CodeIndex> index_;
  std::shared_ptr<const CodeMemory> memory_;  // of index_
  const Kernels* kernels_;                    // static
};

// Of a JavaScript object CodeIndex. TypeError for anything else.
std::shared_ptr<const CodeMemory> MemoryOf(const Napi::Value& js);

}  // namespace hearth::addon

#endif  // HEARTH_ADDON_CODE_INDEX_OBJECT_H_
