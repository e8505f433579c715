//! `agents list`, `show`, `validate`, `new`.
