//! What the agent answers over HTTP.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::mpsc;

use super::actor::Ask;

/// All that the agent answers.
pub(super) fn router(_asks: mpsc::UnboundedSender<Ask>) -> Router {
    Router::new().route("/health", get(|| async {})).fallback(|| async { (StatusCode::NOT_FOUND, "404 Not Found.") })
}
