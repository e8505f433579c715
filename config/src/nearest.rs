//! "Did you mean": the name that an unknown one was probably meant to be.

/// The name that is nearest to an unknown one, whatever their case, if it is as near as this (Jaro-Winkler, 0 to 1).
pub fn nearest<T: AsRef<str>>(
    unknown: &str,
    names: impl IntoIterator<Item = T>,
    similarity_min: f64,
) -> Option<T> {
    nearest_by(unknown, names, |name| name.as_ref().to_lowercase(), similarity_min)
}

/// The same for things that have a spelling, in lower case, by which they are compared.
pub(crate) fn nearest_by<T>(
    unknown: &str,
    things: impl IntoIterator<Item = T>,
    spelling: impl Fn(&T) -> String,
    similarity_min: f64,
) -> Option<T> {
    let unknown = unknown.to_lowercase();
    let scored = things.into_iter().map(|thing| (strsim::jaro_winkler(&unknown, &spelling(&thing)), thing));
    let near = scored.filter(|(score, _)| *score >= similarity_min);
    near.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, thing)| thing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_if_it_is_near_enough() {
        let names = ["Read", "Grep", "Glob"];
        assert_eq!(nearest("gerp", names, 0.8), Some("Grep"));
        assert_eq!(nearest("READ", names, 1.0), Some("Read"));
        assert_eq!(nearest("something", names, 0.8), None);
        assert_eq!(nearest::<&str>("x", [], 0.0), None);
    }
}
