use proptest::prelude::*;

use super::*;

/// As nbformat writes it: one space for each step, keys sorted, a line break at the end.
const NOTEBOOK: &str = r##"{
 "cells": [
  {
   "cell_type": "markdown",
   "id": "intro",
   "metadata": {},
   "source": [
    "# Ä title\n",
    "text"
   ]
  },
  {
   "cell_type": "code",
   "execution_count": 3,
   "id": "calc",
   "metadata": {"tags":   ["odd   spaces"]},
   "outputs": [
    {
     "name": "stdout",
     "output_type": "stream",
     "text": [
      "2\n"
     ]
    }
   ],
   "source": [
    "print(1 + 1)"
   ]
  }
 ],
 "metadata": {
  "language_info": {
   "name": "python"
  }
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
"##;

fn notebook(text: &str) -> Notebook<'_> {
    Notebook::parse(text).expect("a notebook")
}

#[test]
fn a_replaced_source_changes_its_own_lines_and_what_the_code_gave() {
    let changed = notebook(NOTEBOOK).replaced(1, "a = 1\n\"ß\"", None).unwrap();
    let expected = NOTEBOOK
        .replace("    \"print(1 + 1)\"\n", "    \"a = 1\\n\",\n    \"\\\"ß\\\"\"\n")
        .replace("\"execution_count\": 3", "\"execution_count\": null");
    let (before, after) =
        (expected.find("\"outputs\": [").unwrap(), expected.find(",\n   \"source\": [\n    \"a").unwrap());
    let expected = format!("{}\"outputs\": []{}", &expected[..before], &expected[after..]);
    assert_eq!(changed, expected);
    let emptied = notebook(NOTEBOOK).replaced(0, "", None).unwrap();
    assert!(emptied.contains("\"source\": []\n  },"), "{emptied}");
}

#[test]
fn a_cell_of_another_kind_keeps_its_id_and_metadata_and_loses_its_outputs() {
    let changed = notebook(NOTEBOOK).replaced(1, "text", Some(CellType::Markdown)).unwrap();
    let cell = "  {\n   \"cell_type\": \"markdown\",\n   \"id\": \"calc\",\n   \"metadata\": {\"tags\":   [\"odd   spaces\"]},\n   \"source\": [\n    \"text\"\n   ]\n  }\n ],";
    assert!(changed.contains(cell), "{changed}");
    let same = notebook(NOTEBOOK).replaced(0, "x", Some(CellType::Markdown)).unwrap();
    assert!(same.starts_with(&NOTEBOOK[..NOTEBOOK.find("# Ä").unwrap() - 6]), "{same}");
}

#[test]
fn a_cell_comes_in_as_nbformat_would_write_it_and_goes_without_a_trace() {
    for after in [None, Some(0), Some(1)] {
        let (text, id) = notebook(NOTEBOOK).inserted(after, "x\ny", CellType::Code).unwrap();
        let place = after.map_or(0, |after| after + 1);
        let cell = format!(
            "  {{\n   \"cell_type\": \"code\",\n   \"execution_count\": null,\n   \"id\": \"{id}\",\n   \"metadata\": {{}},\n   \"outputs\": [],\n   \"source\": [\n    \"x\\n\",\n    \"y\"\n   ]\n  }}"
        );
        assert!(text.contains(&cell), "{text}");
        let with = notebook(&text);
        assert_eq!(with.find(&id), Some(place));
        assert_eq!(with.deleted(place).unwrap(), NOTEBOOK, "as before");
    }
}

#[test]
fn the_last_cell_may_go_and_the_first_come() {
    let empty = "{\"nbformat\": 4, \"nbformat_minor\": 2, \"cells\": [], \"metadata\": {}}";
    let (text, id) = notebook(empty).inserted(None, "a\nb", CellType::Markdown).unwrap();
    assert_eq!(id, "cell-0", "the format has no ids yet");
    assert_eq!(
        text,
        empty.replace("[]", r#"[{"cell_type": "markdown", "metadata": {}, "source": ["a\n", "b"]}]"#)
    );
    assert_eq!(notebook(&text).deleted(0).unwrap(), empty);
    let windows = "{\r\n  \"cells\": [],\r\n  \"nbformat\": 4\r\n}";
    let (text, _) = notebook(windows).inserted(None, "a", CellType::Markdown).unwrap();
    assert!(text.starts_with("{\r\n  \"cells\": [\r\n    {\r\n      \"cell_type\""), "{text}");
    assert!(text.contains("\r\n      ]\r\n    }\r\n  ],\r\n"), "{text}");
}

#[test]
fn what_is_no_notebook_is_none() {
    for text in ["", "[]", "{}", r#"{"cells": 1}"#, r#"{"cells": [1]}"#] {
        assert!(Notebook::parse(text).is_none(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a source is, it comes back, and the rest of the notebook stays.
    #[test]
    fn any_source_comes_back_as_it_was(source in any::<String>(), index in 0_usize..2) {
        let changed = notebook(NOTEBOOK).replaced(index, &source, None).unwrap();
        let read = notebook(&changed);
        prop_assert_eq!(read.cells[index].source(), source.clone());
        prop_assert_eq!(read.cells[1 - index].source(), notebook(NOTEBOOK).cells[1 - index].source());
        let (inserted, id) = read.inserted(Some(index), &source, CellType::Code).unwrap();
        let again = notebook(&inserted);
        prop_assert_eq!(again.cells[again.find(&id).unwrap()].source(), source);
        prop_assert_eq!(again.deleted(index + 1).unwrap(), changed);
    }
}
