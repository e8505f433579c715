//! Whole scenes at the terminal: what a user types, and everything that comes back.

mod agents;
mod run;
mod stage;

use stage::Stage;
