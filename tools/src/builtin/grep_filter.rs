//! Which files a search looks into, by their path.

use std::path::Path;

use codex_task_config::nearest;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::types::{FileTypeDef, Types, TypesBuilder};

use crate::ToolError;

/// Lowest similarity (Jaro-Winkler) at which another type is offered.
const SIMILARITY_MIN: f64 = 0.75;

/// The `glob` and `type` arguments.
#[derive(Debug)]
pub(super) struct Filter {
    /// Any of these, unless there is none.
    included: Option<Gitignore>,
    excluded: Gitignore,
    types: Option<Types>,
}

impl Filter {
    /// Several globs may be given, with white space or commas between them; `!` before one excludes.
    ///
    /// # Errors
    /// [`ToolError::Input`] for a broken glob and an unknown type.
    pub(super) fn new(glob: Option<&str>, file_type: Option<&str>) -> Result<Self, ToolError> {
        let globs = glob.map(separated).unwrap_or_default();
        let (excluded, included): (Vec<&str>, Vec<&str>) =
            globs.into_iter().partition(|glob| glob.starts_with('!'));
        let excluded: Vec<&str> = excluded.iter().map(|glob| glob.trim_start_matches('!')).collect();
        Ok(Self {
            included: if included.is_empty() { None } else { Some(compiled(&included)?) },
            excluded: compiled(&excluded)?,
            types: file_type.map(types).transpose()?,
        })
    }

    /// Whether to look into a file, by its path below the directory that is searched.
    pub(super) fn passes(&self, relative: &Path) -> bool {
        let meets = |globs: &Gitignore| {
            globs.matched_path_or_any_parents(relative, /*is_dir*/ false).is_ignore()
        };
        self.included.as_ref().is_none_or(meets)
            && !meets(&self.excluded)
            && self
                .types
                .as_ref()
                .is_none_or(|types| types.matched(relative, /*is_dir*/ false).is_whitelist())
    }
}

/// Commas inside of braces belong to the glob.
fn separated(globs: &str) -> Vec<&str> {
    globs
        .split_whitespace()
        .flat_map(|glob| if glob.contains('{') { vec![glob] } else { glob.split(',').collect() })
        .filter(|glob| !glob.is_empty())
        .collect()
}

fn compiled(globs: &[&str]) -> Result<Gitignore, ToolError> {
    let invalid = |error: ignore::Error| ToolError::Input(format!("glob is not valid: {error}"));
    let mut builder = GitignoreBuilder::new("");
    for glob in globs {
        builder.add_line(None, glob.strip_prefix("./").unwrap_or(glob)).map_err(invalid)?;
    }
    builder.build().map_err(invalid)
}

fn types(name: &str) -> Result<Types, ToolError> {
    let mut builder = TypesBuilder::new();
    builder.add_defaults();
    builder.select(name).build().map_err(|_| {
        let known = builder.definitions();
        let nearest = nearest(name, known.iter().map(FileTypeDef::name), SIMILARITY_MIN);
        let hint = nearest
            .map_or_else(|| " Use glob instead.".to_owned(), |known| format!(" Did you mean {known}?"));
        ToolError::Input(format!("Unknown file type: {name}.{hint}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_pass_by_glob_and_type() {
        for (glob, file_type, path, expected) in [
            (None, None, "a/b", true),
            (Some("*.rs"), None, "src/deep/a.rs", true),
            (Some("*.rs"), None, "src/a.md", false),
            (Some("*.{rs,md}"), None, "src/a.md", true),
            (Some("*.rs,*.md"), None, "src/a.md", true),
            (Some("*.rs *.md"), None, "a.md", true),
            (Some("src/**"), None, "src/a/b", true),
            (Some("src/*.rs"), None, "src/a.rs", true),
            (Some("src/*.rs"), None, "other/src/a.rs", false),
            (Some("./src/*.rs"), None, "src/a.rs", true),
            (Some("!*.md"), None, "a.md", false),
            (Some("!*.md"), None, "a.rs", true),
            (Some("!tests"), None, "tests/a.rs", false),
            (Some("*.rs !tests/**"), None, "tests/a.rs", false),
            (None, Some("rust"), "a.rs", true),
            (None, Some("rust"), "a.py", false),
            (Some("a*"), Some("py"), "a.py", true),
            (Some("a*"), Some("py"), "b.py", false),
        ] {
            let filter = Filter::new(glob, file_type).unwrap();
            assert_eq!(filter.passes(Path::new(path)), expected, "{glob:?} {file_type:?} {path}");
        }
    }

    #[test]
    fn broken_globs_and_unknown_types_are_said() {
        for (glob, file_type, expected) in [
            (Some("a[z-a]"), None, "glob is not valid"),
            (None, Some("pyton"), "Unknown file type: pyton. Did you mean python?"),
            (None, Some("@@"), "Unknown file type: @@. Use glob instead."),
        ] {
            let error = Filter::new(glob, file_type).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
