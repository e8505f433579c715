//! What an audit trail is told: the seam between those who do something and whoever writes it down so that nobody can
//! change it unseen. Nothing here touches a disk.

mod event;
mod request;
mod seam;
mod spawn;
mod task_audit;

pub use event::{AuditEvent, JudgedCall, ModelRequest, TaskSpawn};
pub use seam::{Audit, AuditAck, AuditError, AuditRecord, AuditSubject};
pub(crate) use task_audit::TaskAudit;
