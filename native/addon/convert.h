// JavaScript values to plain structs and back. Malformed values are our own bug: a TypeError.
#ifndef HEARTH_ADDON_CONVERT_H_
#define HEARTH_ADDON_CONVERT_H_

#include <napi.h>

#include <cstdint>
#include <span>
#include <vector>

#include "engine/engine.h"
#include "engine/generation.h"

namespace hearth::addon {

// src/model/modelSpec.ts
ModelSpec ToModelSpec(const Napi::Object& js);
// src/engine/local/native.ts, NativeEngineOptions
EngineOptions ToEngineOptions(const Napi::Object& js);
// src/engine/local/native.ts, NativeGenerationOptions
GenerationOptions ToGenerationOptions(const Napi::Object& js);
// src/engine/local/native.ts, NativeCodeIndexOptions: its weights and line feeds, without an index
CodeMemory ToCodeMemory(const Napi::Object& js);
// src/protocol/generation.ts, GenerationPriority
JobPriority ToPriority(const Napi::Value& js);
std::vector<int32_t> ToTokens(const Napi::Value& js);
// A whole number, for example of tokens.
int64_t ToInteger(const Napi::Object& js, const char* key);

Napi::Object ToJs(Napi::Env env, const MemoryPlan& plan);
Napi::Object ToJs(Napi::Env env, const EngineStats& stats);
// src/engine/local/native.ts, NativeToken
Napi::Object ToJs(Napi::Env env, const GeneratedToken& token);
// lists[il][t] = ids; each of `lists` holds as many for every one of the n_token tokens
Napi::Array ToJs(Napi::Env env, std::span<const std::vector<int32_t>> lists, size_t n_token);
// An Error whose `code` is one of src/protocol/errors.ts.
Napi::Error ToError(Napi::Env env, const Status& status);

}  // namespace hearth::addon

#endif  // HEARTH_ADDON_CONVERT_H_
