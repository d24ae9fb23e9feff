//! The master's HTTP: routes, and the checks that come before any state is asked.

use axum::Router;
use axum::http::StatusCode;

/// All that the master answers.
pub(super) fn router() -> Router {
    Router::new().fallback(|| async { (StatusCode::NOT_FOUND, "404 Not Found.") })
}
