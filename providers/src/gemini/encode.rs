//! From the neutral request to the body of `generateContent`.

use codex_task_config::AttachmentSupport;

use super::contents::contents;
use super::model::{Generation, ModelFacts};
use super::schema::DIALECT;
use super::wire::{Declaration, GenerateRequest, GenerationConfig, Instruction, Text, ThinkingConfig, Tools};
use crate::ChatRequest;
use crate::dropped::SentParameters;

/// Highest temperature that the server accepts.
const TEMPERATURE_MAX: f32 = 2.0;

/// The request on the wire. Parts that the model does not accept are left out; [`dropped`] names them.
pub(super) fn to_wire(request: &ChatRequest, attachments: Option<AttachmentSupport>) -> GenerateRequest<'_> {
    let mut facts = ModelFacts::of(&request.model);
    facts.attachments = attachments.unwrap_or(facts.attachments);
    let sent = sent_parameters(request, &facts);
    let system = Some(&*request.system).filter(|system| !system.trim().is_empty());
    let schema = request.output.as_ref().filter(|_| takes_schema(request, &facts));
    GenerateRequest {
        system_instruction: system.map(|text| Instruction { parts: [Text { text }] }),
        tools: tools(request),
        contents: contents(request, &facts),
        generation_config: GenerationConfig {
            temperature: sent.temperature,
            max_output_tokens: sent.max_tokens,
            thinking_config: (facts.generation != Generation::Other).then(|| ThinkingConfig {
                include_thoughts: true,
                amount: sent.effort.and_then(|effort| facts.amount(effort)),
            }),
            response_mime_type: schema.map(|_| "application/json"),
            response_json_schema: schema.map(|output| DIALECT.adapt(&output.schema)),
        },
    }
}

/// What is not sent as asked, each as a sentence.
pub(super) fn dropped(request: &ChatRequest) -> Vec<String> {
    let facts = ModelFacts::of(&request.model);
    let mut sentences = sent_parameters(request, &facts).deviations(request);
    if request.output.is_some() && !takes_schema(request, &facts) {
        sentences.push(format!(
            "the schema of the answer is not accepted by {} beside tools and was left out; the answer is checked \
             all the same",
            request.model
        ));
    }
    sentences
}

fn sent_parameters(request: &ChatRequest, facts: &ModelFacts) -> SentParameters {
    let temperature = request.temperature.filter(|_| facts.sampling);
    SentParameters {
        temperature: temperature.map(|asked| asked.clamp(0.0, TEMPERATURE_MAX)),
        effort: request.effort.and_then(|asked| facts.effort(asked)),
        max_tokens: facts.max_tokens(request.max_output_tokens),
    }
}

/// Older models refuse a request that has tools and a schema.
fn takes_schema(request: &ChatRequest, facts: &ModelFacts) -> bool {
    request.tools.is_empty() || facts.generation == Generation::Three
}

/// Sorted by name: their order is part of the cached prefix.
fn tools(request: &ChatRequest) -> Vec<Tools<'_>> {
    let mut declarations: Vec<Declaration<'_>> = request
        .tools
        .iter()
        .map(|spec| Declaration {
            name: &spec.name,
            description: &spec.description,
            parameters_json_schema: &spec.input_schema,
        })
        .collect();
    declarations.sort_by_key(|declaration| declaration.name);
    let ours = (!declarations.is_empty()).then_some(Tools::FunctionDeclarations(declarations));
    let search = request.search.as_ref().map(|_| Tools::GoogleSearch {});
    ours.into_iter().chain(search).collect()
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
