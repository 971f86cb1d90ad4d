// For tests only: generations, token by token.
#ifndef HEARTH_ENGINE_GENERATION_TESTING_H_
#define HEARTH_ENGINE_GENERATION_TESTING_H_

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/testing.h"
#include "engine/engine.h"
#include "engine/generation.h"

namespace hearth {

// One token, in as many steps as it takes.
inline GeneratedToken NextToken(Generation& generation) {
  CHECK(generation.BeginNext(nullptr).ok(), "begins");
  Result<bool> done = false;
  while (done.ok() && !done.value()) done = generation.Step();
  CHECK(done.ok(), "steps");
  return generation.token();
}

// The session has evaluated a prompt.
inline std::vector<GeneratedToken> Generate(Session& session, GenerationOptions options, size_t n) {
  std::unique_ptr<Generation> generation =
      std::move(Generation::Create(session, std::move(options))).value();
  std::vector<GeneratedToken> tokens;
  while (tokens.size() < n) tokens.push_back(NextToken(*generation));
  return tokens;
}

// In an engine of its own.
inline std::vector<GeneratedToken> Generate(const ModelSpec& spec,
                                            const EngineOptions& engine_options,
                                            std::span<const int32_t> prompt,
                                            GenerationOptions options, size_t n) {
  std::unique_ptr<Engine> engine = std::move(Engine::Load(spec, engine_options, nullptr)).value();
  std::unique_ptr<Session> session = std::move(engine->NewSession()).value();
  CHECK(session->Sync(prompt, {}).ok(), "evaluates");
  return Generate(*session, std::move(options), n);
}

inline std::vector<int32_t> IdsOf(const std::vector<GeneratedToken>& tokens) {
  std::vector<int32_t> ids;
  for (const GeneratedToken& token : tokens) ids.push_back(token.id);
  return ids;
}

}  // namespace hearth

#endif  // HEARTH_ENGINE_GENERATION_TESTING_H_
