//! Stories across crates, one file each: through the public API, with scripted models or strict mock servers.

#[cfg(test)]
mod arbiters;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod supervision;
