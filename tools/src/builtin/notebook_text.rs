//! A notebook as a model reads it.

use serde_json::Value;

use super::notebook::{Notebook, text_of};

/// Characters of a cell's outputs that are shown.
const OUTPUT_CHARS_MAX: usize = 10_000;

/// The cells as Claude Code shows them to a model.
pub(super) fn shown(notebook: &Notebook<'_>, path: &str) -> String {
    let mut parts = Vec::new();
    for (index, cell) in notebook.cells.iter().enumerate() {
        let (id, kind, source) = (notebook.id(index), cell.kind(), cell.source());
        let tag = match (kind.as_str(), notebook.language.as_deref()) {
            ("code", None | Some("python")) => String::new(),
            ("code", Some(language)) => format!("<language>{language}</language>"),
            (other, _) => format!("<cell_type>{other}</cell_type>"),
        };
        parts.push(format!("<cell id=\"{id}\">{tag}{source}</cell id=\"{id}\">"));
        let outputs: Vec<String> =
            cell.outputs().iter().map(output).filter(|text| !text.is_empty()).collect();
        let outputs = outputs.join("\n");
        if outputs.chars().nth(OUTPUT_CHARS_MAX).is_some() {
            parts.push(format!(
                "Outputs are too large to include. Use Bash with: cat '{path}' | jq '.cells[{index}].outputs'"
            ));
        } else if !outputs.is_empty() {
            parts.push(outputs.trim_end().to_owned());
        }
    }
    parts.join("\n")
}

/// One output as text; of what is no text only the kind.
fn output(output: &Value) -> String {
    let field = |key: &str| output.get(key).map(text_of).unwrap_or_default();
    match output.get("output_type").and_then(Value::as_str) {
        Some("stream") => field("text"),
        Some("error") => {
            let name = format!("{}: {}", field("ename"), field("evalue"));
            let trace = field("traceback");
            if trace.is_empty() { name } else { format!("{name}\n{trace}") }
        }
        _ => {
            let Some(data) = output.get("data").and_then(Value::as_object) else { return String::new() };
            match data.get("text/plain") {
                Some(text) if !data.keys().any(|kind| kind.starts_with("image/")) => text_of(text),
                _ => data.keys().map(|kind| format!("[{kind} output]")).collect::<Vec<_>>().join("\n"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOTEBOOK: &str = r##"{"cells": [
        {"cell_type": "markdown", "id": "intro", "source": ["# Ä title\n", "text"]},
        {"cell_type": "code", "id": "calc", "source": "print(1 + 1)",
         "outputs": [{"output_type": "stream", "text": ["2\n"]}]}
    ], "metadata": {"language_info": {"name": "python"}}}"##;

    #[test]
    fn cells_are_shown_with_their_outputs_as_claude_code_shows_them() {
        assert_eq!(
            shown(&Notebook::parse(NOTEBOOK).unwrap(), "n.ipynb"),
            "<cell id=\"intro\"><cell_type>markdown</cell_type># Ä title\ntext</cell id=\"intro\">\n\
             <cell id=\"calc\">print(1 + 1)</cell id=\"calc\">\n2"
        );
        let outputs = json!([
            {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": ["<Figure>"]}},
            {"output_type": "execute_result", "data": {"text/plain": ["4", "2"]}},
            {"output_type": "error", "ename": "E", "evalue": "bad", "traceback": ["t"]}
        ]);
        let text = |outputs: Value| {
            json!({"cells": [{"cell_type": "code", "source": "x", "outputs": outputs}], "metadata": {"language_info": {"name": "R"}}})
                .to_string()
        };
        assert_eq!(
            shown(&Notebook::parse(&text(outputs)).unwrap(), "n.ipynb"),
            "<cell id=\"cell-0\"><language>R</language>x</cell id=\"cell-0\">\n[image/png output]\n[text/plain output]\n42\nE: bad\nt"
        );
        let large = text(json!([{"output_type": "stream", "text": "x".repeat(10_001)}]));
        assert!(
            shown(&Notebook::parse(&large).unwrap(), "n.ipynb")
                .ends_with("Use Bash with: cat 'n.ipynb' | jq '.cells[0].outputs'")
        );
    }
}
