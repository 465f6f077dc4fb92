//! From the application to a listening process: accept, serve, stop.
//!
//! Connections are served by hyper directly, because uploads need its read buffer larger than the default and a
//! graceful stop needs to know every connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};

use crate::api::Service;
use crate::app::SharedApp;

/// Received bytes are read in pieces of up to this size: fewer frames, fewer system calls.
const READ_BUFFER: usize = 1 << 20;

/// A client that has not sent its request's headers by then is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);

/// How long transfers may go on after a request to stop.
const GRACE: Duration = Duration::from_secs(60);

/// Serves `listener` until `stop` resolves, then lets running requests end.
pub async fn serve(app: SharedApp, listener: TcpListener, stop: impl Future<Output = ()>) {
    let service = Service::new(app.clone());
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => serve_connection(&app, service.clone(), &connections, stream),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    tracing::info!("stopping: no new connections; waiting for running transfers");
    let ended = tokio::time::timeout(GRACE, connections.shutdown()).await;
    let grace = if ended.is_ok() { GRACE } else { Duration::ZERO };
    if !app.tasks.finish(grace).await {
        tracing::warn!("some work did not end; it will be cleaned up after the next start");
    }
    if let Err(error) = app.db.forget_node(app.tasks.node()).await {
        tracing::warn!(%error, "cannot sign off from the catalogue");
    }
    app.db.close().await;
}

fn serve_connection(app: &SharedApp, service: Service, connections: &GracefulShutdown, stream: TcpStream) {
    // Answers are written whole; waiting to fill packets only adds delay.
    let _ = stream.set_nodelay(true);
    let handler = service_fn(move |request: http::Request<Incoming>| {
        let service = service.clone();
        async move { Ok::<_, std::convert::Infallible>(service.call(request.map(Body::new)).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(READ_BUFFER)
        .serve_connection(TokioIo::new(stream), handler);
    let watched = connections.watch(connection);
    app.tasks.spawn_connection(async move {
        if let Err(error) = watched.await {
            tracing::debug!(%error, "a connection broke");
        }
    });
}

/// Binds the address on which the service is to be reached.
///
/// # Errors
/// Those of the operating system: the address is in use or not this machine's.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Resolves when the process is asked to end (SIGTERM or SIGINT).
///
/// # Errors
/// When signal handlers cannot be installed.
pub async fn stop_requested() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Starts the housekeeping of this node.
pub fn start_housekeeping(app: &SharedApp, node: glance_db::Node) {
    let app = Arc::clone(app);
    let tasks = app.clone();
    tasks.tasks.spawn_background(app.keep_house(node));
}
