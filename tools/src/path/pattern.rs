//! The path part of a permission rule: gitignore globs with Claude Code's four anchors.

use std::path::{Component, Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::protected::forgiving;

/// Whether upper and lower case are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// For rules that allow: the name must be exactly so.
    Exact,
    /// For rules that refuse: a file system that folds case must not be a way around them.
    Folded,
}

/// The places that a pattern can be anchored at.
#[derive(Clone, Debug)]
pub(crate) struct PatternBase<'a> {
    /// The directory that the settings file speaks about.
    pub(crate) settings: &'a Path,
    /// The user's home directory.
    pub(crate) home: Option<&'a Path>,
}

/// A compiled path specifier.
#[derive(Clone, Debug)]
pub(crate) struct PathPattern {
    /// The anchor as written and with links resolved: a path is matched below either.
    bases: Vec<PathBuf>,
    globs: Gitignore,
    case: Case,
    /// The one file or directory that is meant, where the pattern is no glob.
    place: Option<PathBuf>,
}

impl PathPattern {
    /// Compiles `//absolute`, `~/home`, `/from-settings`, `./from-settings` or a bare gitignore pattern.
    ///
    /// # Errors
    /// The reason, when the glob is not valid or needs a home directory that is not known.
    pub(crate) fn parse(specifier: &str, base: &PatternBase<'_>, case: Case) -> Result<Self, String> {
        let (mut anchor, mut pattern) = anchored(specifier.trim(), base)?;
        while let Some(rest) = pattern.strip_prefix("/../") {
            anchor.pop();
            pattern = format!("/{rest}");
        }
        if pattern.is_empty() || pattern.split('/').any(|name| name == "..") {
            return Err(format!("the path pattern '{specifier}' is empty or leaves its directory"));
        }
        let mut builder = GitignoreBuilder::new(&anchor);
        let fold = case == Case::Folded;
        builder.case_insensitive(fold).map_err(|error| error.to_string())?;
        let place = single_place(&anchor, &pattern);
        let escaped = if pattern.starts_with(['!', '#']) { format!("\\{pattern}") } else { pattern };
        builder.add_line(None, &escaped).map_err(|error| error.to_string())?;
        // Whoever may not see what is in a directory may not list or search it either.
        if let Some(directory) = escaped.strip_suffix("/**").filter(|rest| fold && !rest.is_empty()) {
            builder.add_line(None, directory).map_err(|error| error.to_string())?;
        }
        let globs = builder.build().map_err(|error| error.to_string())?;
        let mut bases = vec![anchor];
        bases.extend(bases.first().and_then(|shown| std::fs::canonicalize(shown).ok()));
        bases.dedup();
        Ok(Self { bases, globs, case, place })
    }

    /// The one file or directory that is meant, unless the pattern has to be looked for.
    pub(crate) fn place(&self) -> Option<&Path> {
        self.place.as_deref()
    }

    /// Whether an absolute path without `.` and `..` is meant, or lies in a directory that is meant. Patterns that refuse
    /// mean every spelling that some file system takes for the same name.
    pub(crate) fn matches(&self, path: &Path) -> bool {
        let below = |base: &PathBuf| path.strip_prefix(base).ok();
        self.bases.iter().filter_map(below).any(|relative| {
            relative.components().all(|part| matches!(part, Component::Normal(_)))
                && (self.means(relative)
                    || (self.case == Case::Folded
                        && forgiving(relative).is_some_and(|other| self.means(&other))))
        })
    }

    fn means(&self, relative: &Path) -> bool {
        !relative.as_os_str().is_empty()
            && self.globs.matched_path_or_any_parents(relative, /*is_dir*/ false).is_ignore()
    }
}

/// What an anchored pattern without wildcards names. A trailing `/**` means the directory.
fn single_place(anchor: &Path, pattern: &str) -> Option<PathBuf> {
    let name = pattern.strip_suffix("/**").unwrap_or(pattern);
    let is_anchored = pattern.trim_end_matches('/').contains('/');
    let is_glob = name.contains(['*', '?', '[', '\\']);
    (is_anchored && !is_glob).then(|| anchor.join(name.trim_matches('/')))
}

/// Splits a specifier into the directory it is anchored at and a gitignore pattern below it.
fn anchored(specifier: &str, base: &PatternBase<'_>) -> Result<(PathBuf, String), String> {
    if let Some(absolute) = specifier.strip_prefix("//") {
        return Ok((PathBuf::from("/"), format!("/{absolute}")));
    }
    if let Some(rest) = specifier.strip_prefix("~/") {
        let home = base.home.ok_or_else(|| format!("'{specifier}' needs a home directory"))?;
        return Ok((home.to_owned(), format!("/{rest}")));
    }
    let pattern = match specifier.strip_prefix("./") {
        Some(rest) => format!("/{rest}"),
        None if specifier.starts_with("../") => format!("/{specifier}"),
        None => specifier.to_owned(),
    };
    Ok((base.settings.to_owned(), pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(specifier: &str, case: Case, path: &str) -> bool {
        let base = PatternBase { settings: Path::new("/w/project"), home: Some(Path::new("/home/me")) };
        PathPattern::parse(specifier, &base, case).unwrap().matches(Path::new(path))
    }

    #[test]
    fn each_anchor_means_its_own_directory() {
        for (specifier, path, expected) in [
            ("./secrets/**", "/w/project/secrets/a/key", true),
            ("./secrets/**", "/w/project/sub/secrets/key", false),
            ("secrets/**", "/w/project/secrets/key", true),
            ("/secrets/**", "/w/project/secrets/key", true),
            ("//etc/**", "/etc/passwd", true),
            ("//etc/**", "/w/project/etc/passwd", false),
            ("~/notes/*.md", "/home/me/notes/a.md", true),
            ("~/notes/*.md", "/home/me/notes/sub/a.md", false),
            ("../other/**", "/w/other/x", true),
            ("../other/**", "/w/project/other/x", false),
            ("*.env", "/w/project/deep/down/x.env", true),
            (".env", "/w/project/sub/.env", true),
            (".env", "/w/project-evil/.env", false),
            ("src", "/w/project/src/main.rs", true),
            ("src/*.rs", "/w/project/src/deep/main.rs", false),
            ("!x", "/w/project/!x", true),
        ] {
            assert_eq!(matches(specifier, Case::Exact, path), expected, "{specifier} {path}");
        }
    }

    #[test]
    fn refusing_patterns_fold_case_and_cover_the_directory_itself() {
        assert!(matches("./.env", Case::Folded, "/w/project/.ENV"));
        assert!(!matches("./.env", Case::Exact, "/w/project/.ENV"));
        assert!(matches("./secrets/**", Case::Folded, "/w/project/secrets"));
        assert!(!matches("./secrets/**", Case::Exact, "/w/project/secrets"));
    }

    #[test]
    fn refusing_patterns_mean_every_spelling_that_some_file_system_takes_for_the_same_name() {
        for name in [".env.", ".env. .", ".env::$DATA", ".e\u{200c}nv", "sub/.ENV ", "sub:x/.env"] {
            let path = format!("/w/project/{name}");
            assert!(matches(".env", Case::Folded, &path), "{name}");
            assert!(!matches("*.pem", Case::Folded, &path), "{name}");
            assert!(name == "sub:x/.env" || !matches(".env", Case::Exact, &path), "{name}");
        }
        for name in [".env.example", "...", " ", "a:.env"] {
            assert!(!matches(".env", Case::Folded, &format!("/w/project/{name}")), "{name}");
        }
        assert!(
            !matches(".env", Case::Folded, "/w/project/sub./../.env."),
            "what is not normalised is nowhere"
        );
    }

    #[test]
    fn an_anchored_pattern_without_wildcards_is_one_place() {
        let base = PatternBase { settings: Path::new("/w/project"), home: Some(Path::new("/home/me")) };
        for (specifier, expected) in [
            ("./.env", Some("/w/project/.env")),
            ("./secrets/**", Some("/w/project/secrets")),
            ("secrets/**", Some("/w/project/secrets")),
            ("//etc/shadow", Some("/etc/shadow")),
            ("~/.ssh/**", Some("/home/me/.ssh")),
            ("../other/**", Some("/w/other")),
            (".env", None),
            ("secrets/", None),
            ("./*.pem", None),
            ("./a/**/key", None),
        ] {
            let pattern = PathPattern::parse(specifier, &base, Case::Folded).unwrap();
            assert_eq!(pattern.place(), expected.map(Path::new), "{specifier}");
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_compiled_is_an_error() {
        let base = PatternBase { settings: Path::new("/w"), home: None };
        for specifier in ["a[z-a]", "~/x", "a/../b", ""] {
            assert!(PathPattern::parse(specifier, &base, Case::Exact).is_err(), "{specifier}");
        }
    }
}
