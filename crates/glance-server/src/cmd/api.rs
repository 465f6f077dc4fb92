//! `glance-api`: serves the Images API.
//!
//! Without any configuration it keeps everything below one data folder and listens to this machine only. With
//! `--config-file` (or `OS_GLANCE_CONFIG_DIR`) it obeys that instead.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use clap::Parser;
use glance_db::{Database, SchemaState};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::api::Service;
use crate::app::clock::Clock;
use crate::app::store_identity::Adoption;
use crate::app::{App, SharedApp};
use crate::cmd::options::LoggingArguments;
use crate::config::load::{self, Setup};
use crate::listen::notify::Notifier;
use crate::listen::{self, Listener, Tls};
use crate::logging::Logging;
use crate::metrics::{self, Metrics};
use crate::server::{self, Serving};
use crate::stream::hash::HashPool;
use crate::tasks::{Tasks, process};
use crate::traces::{self, Exporter};

/// How long the start waits for the clean-up after an earlier process before it goes on in the background.
const FIRST_SWEEP: Duration = Duration::from_secs(5);

/// Serve the Images API.
#[derive(Debug, Parser)]
#[command(name = "glance-api", version)]
pub struct Arguments {
    /// Read this configuration file; may be given several times, later files win
    #[arg(long, value_name = "FILE")]
    pub config_file: Vec<PathBuf>,
    /// Read all *.conf files of this folder, after the configuration files; may be given several times
    #[arg(long, value_name = "DIR")]
    pub config_dir: Vec<PathBuf>,
    /// Keep database and images below this folder (only without configuration files)
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Listen on this address
    #[arg(long, value_name = "ADDRESS")]
    pub bind_host: Option<IpAddr>,
    /// Listen on this port [default: 9292]
    #[arg(long, value_name = "PORT")]
    pub bind_port: Option<u16>,
    /// Listen on addresses of other machines even though nobody is asked who they are
    #[arg(long)]
    pub allow_unauthenticated: bool,
    /// How to log
    #[command(flatten)]
    pub logging: LoggingArguments,
}

/// Runs the program.
///
/// # Errors
/// Whatever keeps the server from starting, in words for the operator.
pub fn main(arguments: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let arguments: Arguments = match super::parse(arguments)? {
        Ok(arguments) => arguments,
        Err(answered) => return Ok(answered),
    };
    let environment: Vec<(String, String)> = std::env::vars().collect();
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(64)
        .thread_keep_alive(Duration::from_secs(10))
        .build()?;
    // A hangup ends whoever does not wait for it, and log rotation does not ask how far the start has got.
    let hangups = runtime.block_on(async { signal(SignalKind::hangup()) })?;
    let setup = load::setup(&arguments, &environment)?;
    let traces = traces::Settings::from_options(&setup.options)?;
    let (collecting, exporter) = traces.as_ref().map(traces::start).transpose()?.unzip();
    let logging = Logging::start(setup.logging.clone(), collecting)?;
    for warning in &setup.warnings {
        tracing::warn!("{warning}");
    }
    log_options(&setup.options)?;
    let reload = Reload { arguments, environment, logging, hangups };
    runtime.block_on(async {
        let flush = exporter.as_ref().map(Exporter::flush);
        let done = run(setup, reload, exporter).await;
        if let Some(flush) = flush {
            flush.finish().await;
        }
        done
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Logs every option with its value (`log_options`), secrets masked.
fn log_options(options: &oslo::config::Config) -> anyhow::Result<()> {
    if options.get("DEFAULT", "log_options")? {
        for shown in options.shown() {
            tracing::debug!("{}.{} = {} ({})", shown.group, shown.name, shown.value, shown.place);
        }
    }
    Ok(())
}

/// What it takes to read the configuration again.
struct Reload {
    arguments: Arguments,
    environment: Vec<(String, String)>,
    logging: Logging,
    /// Those that came during the start count, too.
    hangups: Signal,
}

impl Reload {
    /// Reads the configuration again with every SIGHUP and swaps the snapshot; log files are opened anew in any case.
    async fn on_hangup(
        mut self,
        app: SharedApp,
        mut options: oslo::config::Config,
        serving: Serving,
        notifier: Notifier,
    ) {
        while self.hangups.recv().await.is_some() {
            notifier.reloading();
            self.logging.reopen();
            if let (Some(tls), Some(files)) = (&serving.tls, &serving.settings.tls)
                && let Err(error) = tls.reload(files)
            {
                tracing::error!(error = %super::explain(&error), "the certificates stay as they were");
            }
            match load::reload(&self.arguments, &self.environment) {
                Ok(fresh) => {
                    app.config.store(Arc::new(fresh.config));
                    self.logging.reload(fresh.logging);
                    report_reload(&options, &fresh.options);
                    options = fresh.options;
                }
                Err(error) => tracing::error!(error = %super::explain(&error), "the configuration stays as it was"),
            }
            notifier.ready();
        }
    }
}

/// Says what a reload changed, and what it could not.
fn report_reload(before: &oslo::config::Config, after: &oslo::config::Config) {
    tracing::info!("the configuration was read again");
    for (group, option) in before.changed(after) {
        match load::is_reloaded(group, option.name) {
            true => tracing::info!("changed: [{group}] {}", option.name),
            false => tracing::warn!("[{group}] {} changes when the service is started again", option.name),
        }
    }
}

async fn run(setup: Setup, reload: Reload, exporter: Option<Exporter>) -> anyhow::Result<()> {
    let tls = setup.listen.tls.as_ref().map(Tls::open).transpose()?;
    let listeners = listen::bind(&setup.listen, &reload.environment).await?;
    check_reach(&listeners, setup.open_to_others)?;
    let metrics = match setup.listen.metrics {
        Some(address) => {
            let listener = metrics::serve::bind(address).await;
            Some(listener.with_context(|| format!("[metrics] address: cannot listen on {address}"))?)
        }
        None => None,
    };
    let notifier = Notifier::from_environment(&reload.environment);
    let db = open_catalogue(&setup).await?;
    let times = setup.lease;
    let (clock, this) = (Clock::system(), process::this_process(times.lease));
    let registered = clock.uptime();
    db.register_node(&this).await.context("cannot register with the catalogue")?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let app = Arc::new(App {
        db,
        stores: setup.stores,
        project_limits: setup.project_limits,
        policy: setup.policy,
        tasks: Tasks::new(this, registered),
        clock,
        hashes: HashPool::new(cores),
        metrics: Metrics::default(),
        config: ArcSwap::from_pointee(setup.config),
    });
    app.judge_stores(Adoption::Automatic).await.context("cannot compare the stores with the catalogue")?;
    match tokio::time::timeout(FIRST_SWEEP, app.sweep()).await {
        Ok(swept) => swept.context("cannot look for the remains of earlier processes")?,
        Err(_) => tracing::warn!("cleaning up after an earlier process goes on in the background"),
    }
    let serving = Serving { settings: Arc::new(setup.listen), tls };
    let reloading = reload.on_hangup(app.clone(), setup.options, serving.clone(), notifier.clone());
    app.tasks.spawn_background(reloading);
    server::start_housekeeping(&app, times.heartbeat);
    if let Some(exporter) = exporter {
        app.tasks.spawn_background(exporter.run());
    }
    if let Some(listener) = metrics {
        tracing::info!("metrics are served at http://{}/metrics", listener.local_addr()?);
        app.tasks.spawn_background(metrics::serve::serve(app.clone(), listener));
    }
    let stop = server::stop_requested().context("cannot wait for signals")?;
    announce(&setup.introduction, &listeners, serving.tls.is_some())?;
    notifier.ready();
    setup.pipeline.validators().for_each(|validator| app.metrics.watch(validator.clone()));
    let service = Service::behind(setup.pipeline, app.clone());
    server::serve((app, service), listeners, serving, async {
        stop.await;
        notifier.stopping();
    })
    .await;
    Ok(())
}

/// Where nobody is asked who they are, only this machine may come in, unless that is meant.
fn check_reach(listeners: &[Listener], open_to_others: bool) -> anyhow::Result<()> {
    let addresses = listeners.iter().filter_map(Listener::address);
    match addresses.into_iter().find(|address| !address.ip().is_loopback()) {
        Some(address) if !open_to_others => bail!(
            "refusing to listen on {address}: nobody would have to prove who they are. \
             Listen on 127.0.0.1, or say --allow-unauthenticated"
        ),
        _ => Ok(()),
    }
}

async fn open_catalogue(setup: &Setup) -> anyhow::Result<Database> {
    let db = Database::connect(&setup.database).await.context("cannot open the database")?;
    let state = db.schema_state().await.context("cannot read the database's schema")?;
    match (state, setup.owns_database) {
        (SchemaState::AtHead, _) => {}
        (SchemaState::Empty, true) => db.create_schema().await.context("cannot create the database's tables")?,
        (SchemaState::Behind { .. }, true) => upgrade(&db).await?,
        (SchemaState::Empty, false) => bail!("the database is empty: run `glance-manage db sync` first"),
        (SchemaState::Behind { revision }, false) => {
            bail!("the database is at revision {revision}: run `glance-manage db sync` first")
        }
        (SchemaState::Foreign { revision }, _) => {
            bail!("the database is at revision {revision}, which this version does not know")
        }
    }
    db.prepare_own_objects().await.context("cannot prepare the service's own tables")?;
    Ok(db)
}

/// A catalogue that the service made for itself is nobody else's, so it may be upgraded without asking.
async fn upgrade(db: &Database) -> anyhow::Result<()> {
    let tell = &mut |revision| tracing::info!("upgrading the database: {revision}");
    db.migrations()
        .upgrade(glance_db::HEAD, glance_db::Triggers::Omit, tell)
        .await
        .context("cannot upgrade the database")
}

/// Says in plain words what runs now, once it can be reached.
fn announce(introduction: &str, listeners: &[Listener], encrypted: bool) -> anyhow::Result<()> {
    let scheme = if encrypted { "https" } else { "http" };
    let places: Vec<String> = listeners.iter().map(|listener| listener.describe(scheme)).collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "The Images API is served at {}.\n{introduction}", places.join(", "))?;
    out.flush()?;
    Ok(())
}

/// Lets the process open as many files as the system allows: every connection is one.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::debug!(%error, "the number of open files stays as it is");
    }
}
