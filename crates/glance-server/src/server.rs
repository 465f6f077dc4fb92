//! From the application to a listening process: accept, serve, stop.
//!
//! Connections are served by hyper directly, because uploads need its read buffer larger than the default and a
//! graceful stop needs to know every connection.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::future::join_all;
use glance_store::Budget;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;

use crate::api::Service;
use crate::app::SharedApp;
use crate::listen::heads::{Bounded, Heads};
use crate::listen::idle::{Counted, Requests};
use crate::listen::{Connection, Listener, Patient, Peer, Settings, Tls, is_http2};

/// Received bytes are read in pieces of up to this size: fewer frames, fewer system calls.
const READ_BUFFER: usize = 1 << 20;

/// How much of one HTTP/2 stream, and of all streams of a connection, may be on the way, in bytes.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Requests that one HTTP/2 connection may have under way.
const STREAMS: u32 = 100;

/// How often a silent HTTP/2 client is asked for a sign of life.
const PING: Duration = Duration::from_secs(30);

/// How long transfers may go on after a request to stop.
const GRACE: Duration = Duration::from_secs(60);

/// How to serve connections.
#[derive(Clone)]
pub struct Serving {
    /// Limits and timeouts.
    pub settings: Arc<Settings>,
    /// Certificates, where TLS is spoken.
    pub tls: Option<Tls>,
}

/// Serves the listeners until `stop` resolves, then lets running requests end.
pub async fn serve(
    (app, service): (SharedApp, Service),
    listeners: Vec<Listener>,
    serving: Serving,
    stop: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(serving.settings.max_connections));
    let door = Door { app: app.clone(), service, serving, places };
    let accepting = join_all(listeners.iter().map(|listener| door.accept(listener, &connections)));
    tokio::select! {
        _ = accepting => {}
        () = stop => {}
    }
    drop(listeners);
    tracing::info!("stopping: no new connections; waiting for running transfers");
    let ended = tokio::time::timeout(GRACE, connections.shutdown()).await;
    let grace = if ended.is_ok() { GRACE } else { Duration::ZERO };
    if !app.tasks.finish(grace).await {
        tracing::warn!("some work did not end; it will be cleaned up after the next start");
    }
    if let Err(error) = app.db.forget_node(&app.tasks.node()).await {
        tracing::warn!(%error, "cannot sign off from the catalogue");
    }
    app.db.close().await;
}

/// Where connections come in.
struct Door {
    app: SharedApp,
    service: Service,
    serving: Serving,
    /// One for each connection that may be served at once; more wait in the system's queue.
    places: Arc<Semaphore>,
}

impl Door {
    /// Accepts for ever.
    async fn accept(&self, listener: &Listener, connections: &GracefulShutdown) {
        loop {
            if self.places.available_permits() == 0 {
                tracing::warn!("as many connections as may be (max_connections); new ones wait");
            }
            let Ok(place) = self.places.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok(connection) => {
                    let serving = self.serving.clone();
                    let service = (self.service.clone(), self.app.stores.budget().clone());
                    let watcher = connections.watcher();
                    let counted = self.app.metrics.connection();
                    self.app.tasks.spawn_connection(async move {
                        welcome(connection, serving, service, watcher).await;
                        drop((place, counted));
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

/// Serves one connection to its end.
async fn welcome(mut connection: Connection, serving: Serving, (service, budget): (Service, Budget), watcher: Watcher) {
    connection.prepare(&serving.settings);
    let peer = match connection.peer(&serving.settings).await {
        Ok(peer) => peer,
        Err(error) => return tracing::debug!(%error, "a proxy does not say whom it speaks for"),
    };
    let guest = Guest { peer, settings: serving.settings, service, watcher, budget };
    match connection {
        Connection::Tcp(stream, _) => guest.greet(stream, serving.tls).await,
        Connection::Unix(stream) => guest.greet(stream, serving.tls).await,
    }
}

/// The client of one connection.
struct Guest {
    peer: Peer,
    settings: Arc<Settings>,
    service: Service,
    watcher: Watcher,
    budget: Budget,
}

impl Guest {
    /// Agrees on the protocol, within the time for headers, and serves.
    async fn greet<IO>(self, stream: IO, tls: Option<Tls>)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(tls) = tls else { return self.serve_http1(stream).await };
        match tokio::time::timeout(self.settings.header_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) if is_http2(&stream) => self.serve_http2(stream).await,
            Ok(Ok(stream)) => self.serve_http1(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "a client did not get through the TLS handshake"),
            Err(_) => tracing::debug!("a client did not finish the TLS handshake in time"),
        }
    }

    async fn serve_http1<IO>(self, stream: IO)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let settings = self.settings.clone();
        let (stream, refused) = Bounded::new(stream, settings.max_header_size, self.budget);
        let heads = stream.heads();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.header_timeout)
            .keep_alive(settings.keep_alive)
            .max_buf_size(READ_BUFFER)
            .serve_connection(TokioIo::new(stream), service_fn(answer(self.peer, settings, self.service, Some(heads))));
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(%error, "a connection broke");
        }
        if let Err(error) = refused.tell().await {
            tracing::debug!(%error, "a client does not wait for its refusal");
        }
    }

    async fn serve_http2<IO>(self, stream: IO)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let settings = self.settings.clone();
        let (idle, requests) = (settings.header_timeout, Requests::default());
        let answer = answer(self.peer, settings.clone(), self.service, None);
        let counted = {
            let requests = requests.clone();
            move |request| {
                let (under_way, answering) = (requests.begin(), answer(request));
                async move { answering.await.map(|response| response.map(|body| Counted::new(body, under_way))) }
            }
        };
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(settings.header_timeout)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(settings.max_header_size).unwrap_or(u32::MAX))
            .serve_connection(TokioIo::new(stream), service_fn(counted));
        tokio::select! {
            ended = self.watcher.watch(connection) => if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke");
            },
            () = requests.cease_for(idle) => tracing::debug!("nothing is asked on a connection any more"),
        }
    }
}

/// What answers the requests of a connection. `heads` is told of each that its headers are complete.
fn answer(
    peer: Peer,
    settings: Arc<Settings>,
    service: Service,
    heads: Option<Heads>,
) -> impl Fn(http::Request<Incoming>) -> Answering + Send + 'static {
    move |request| {
        let service = service.clone();
        let mut request = request.map(|body| match &heads {
            Some(heads) => Body::new(Patient::new(heads.complete(body), settings.stall_timeout)),
            None => Body::new(Patient::new(body, settings.stall_timeout)),
        });
        request.extensions_mut().insert(peer);
        Box::pin(async move { Ok(service.call(request).await) })
    }
}

/// An answer that is being made.
type Answering = std::pin::Pin<Box<dyn Future<Output = Result<http::Response<Body>, std::convert::Infallible>> + Send>>;

/// Waits from now on for being asked to end (SIGTERM or SIGINT); what it gives resolves then.
///
/// # Errors
/// When signal handlers cannot be installed.
pub fn stop_requested() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Starts the housekeeping of this node.
pub fn start_housekeeping(app: &SharedApp, heartbeat: Duration) {
    app.tasks.spawn_background(Arc::clone(app).keep_lease(heartbeat));
    app.tasks.spawn_background(Arc::clone(app).keep_house(heartbeat));
    app.tasks.spawn_background(Arc::clone(app).watch_stores());
}
