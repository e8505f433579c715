//! A collector of telemetry that keeps what it is posted.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;

use crate::loopback::Loopback;

/// One post.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body: an `ExportTraceServiceRequest`.
    pub body: Bytes,
}

/// A collector for traces on loopback; dropping it stops it.
pub struct Collector {
    server: Loopback,
    posted: Arc<Mutex<Vec<Posted>>>,
}

impl Collector {
    /// A collector that answers with this status; one that does not exist is 500.
    pub fn answering(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let posted = Arc::new(Mutex::default());
        let keep = move |State(posted): State<Arc<Mutex<Vec<Posted>>>>, headers: HeaderMap, body: Bytes| async move {
            posted.lock().unwrap_or_else(PoisonError::into_inner).push(Posted { headers, body });
            status
        };
        let app = Router::new().route("/v1/traces", post(keep)).with_state(Arc::clone(&posted));
        Self { server: Loopback::serve(app), posted }
    }

    /// Its address, as the variables of OpenTelemetry want it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// What was posted so far.
    pub fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
