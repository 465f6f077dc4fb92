//! The fetcher against real servers: those of files, and those of names.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Response};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use super::names::Names;
use super::server::{Server, image, nearby};
use super::*;
use crate::error::{Kind, Result};

/// Long enough not to matter.
const PATIENCE: Duration = Duration::from_secs(60);

fn get(url: &str) -> Fetch<'_> {
    Fetch { method: Method::GET, url, headers: HeaderMap::new(), redirects: Redirects::Download }
}

async fn kind(fetcher: &Fetcher, url: &str) -> Option<Kind> {
    fetcher.send(&get(url)).await.err().map(|error| error.kind())
}

fn filter(hosts: &[&str]) -> UrlFilter {
    UrlFilter { allowed_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(), ..UrlFilter::default() }
}

/// A name server that has the same addresses for every name; none: it never answers.
struct NameServer {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl NameServer {
    async fn start(addresses: &'static [[u8; 4]]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut query = [0; 512];
            loop {
                let (length, asker) = socket.recv_from(&mut query).await.unwrap();
                if !addresses.is_empty() {
                    socket.send_to(&answer(&query[..length], addresses), asker).await.unwrap();
                }
            }
        });
        Self { address, _task: task }
    }

    fn fetcher(&self, filter: UrlFilter) -> Fetcher {
        let options = FetchOptions { filter, ..FetchOptions::default() };
        Fetcher::resolving(&options, Names::asking(self.address, PATIENCE)).unwrap()
    }
}

/// A DNS message: the question again, and an A record for each address if it asks for those (RFC 1035, 4.1).
fn answer(query: &[u8], addresses: &[[u8; 4]]) -> Vec<u8> {
    let question = &query[12..];
    let end = question.iter().position(|byte| *byte == 0).unwrap() + 5;
    let wants_v4 = question[end - 3] == 1;
    let count = if wants_v4 { u8::try_from(addresses.len()).unwrap() } else { 0 };
    let mut message = [&query[..2], &[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0], &question[..end]].concat();
    for address in &addresses[..usize::from(count)] {
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        message.extend(address);
    }
    message
}

async fn body(answer: Result<Response>) -> Vec<u8> {
    answer.unwrap().bytes().await.unwrap().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn ossa_2026_004_redirects_and_encoded_addresses_are_refused() {
    let (server, target) = (Server::start(None).await, Server::start(None).await);
    let port = target.address.rsplit(':').next().unwrap();
    let fetcher = Fetcher::new(&nearby()).unwrap();
    for host in [
        "127.0.0.2",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "other.example",
    ] {
        let direct = format!("http://{host}:{port}/image");
        assert_eq!(kind(&fetcher, &direct).await, Some(Kind::BadLocation), "{direct}");
        for status in [301, 302, 303, 307, 308] {
            let url = server.url(&format!("to/{status}/{direct}"));
            assert_eq!(kind(&fetcher, &url).await, Some(Kind::BadLocation), "{url}");
        }
        let relative = server.url(&format!("to/302///{host}:{port}/image"));
        assert_eq!(kind(&fetcher, &relative).await, Some(Kind::BadLocation), "{relative}");
    }
    assert!(target.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_judged_by_scheme_host_and_port() {
    let (server, target) = (Server::start(None).await, Server::start(None).await);
    let number = |server: &Server| server.address.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let mut options = nearby();
    options.filter.allowed_ports = vec![number(&server)];
    options.filter.allowed_schemes = vec!["http".to_owned()];
    let strict = Fetcher::new(&options).unwrap();
    for to in [
        target.url("image"),
        "https://127.0.0.1/image".to_owned(),
        "file:///etc/passwd".to_owned(),
        "http://other.example/image".to_owned(),
        "//other.example/image".to_owned(),
        "http://localhost.:1/image".to_owned(),
    ] {
        let url = server.url(&format!("to/302/{to}"));
        assert_eq!(kind(&strict, &url).await, Some(Kind::BadLocation), "{url}");
    }
    assert!(target.requests().is_empty());
    assert_eq!(body(strict.send(&get(&server.url("to/307//image"))).await).await, image());
    let open = Fetcher::new(&nearby()).unwrap();
    assert_eq!(body(open.send(&get(&server.url(&format!("to/302/{}", target.url("image"))))).await).await, image());
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_end() {
    let server = Server::start(None).await;
    let fetcher = Fetcher::new(&nearby()).unwrap();
    for (redirects, most) in [(Redirects::Location, 5), (Redirects::Download, 10)] {
        let [last, further] = [most - 1, most].map(|hops| server.url(&format!("hop/{hops}")));
        let last = fetcher.send(&Fetch { redirects, ..get(&last) }).await;
        assert_eq!(body(last).await, image());
        let further = fetcher.send(&Fetch { redirects, ..get(&further) }).await;
        assert_eq!(further.err().map(|error| error.kind()), Some(Kind::BadLocation));
    }
    let unfollowed = server.url("to/307//image");
    let answer = fetcher.send(&Fetch { redirects: Redirects::Location, ..get(&unfollowed) }).await.unwrap();
    assert_eq!(answer.status(), 307);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_stay_with_the_server_they_are_for() {
    let (server, other) = (Server::start(None).await, Server::start(None).await);
    let fetcher = Fetcher::new(&nearby()).unwrap();
    let secret = |url: &str| url.replacen("http://", "http://user:secret@", 1);
    let mut headers = HeaderMap::new();
    headers.insert("x-auth-token", HeaderValue::from_static("tokentoken"));
    let there = server.url(&format!("to/302/{}", other.url("image")));
    for url in [secret(&there), there.clone()] {
        let fetch = Fetch { headers: headers.clone(), ..get(&url) };
        assert_eq!(body(fetcher.send(&fetch).await).await, image());
    }
    let sent = |server: &Server| server.requests().concat().to_lowercase();
    assert!(sent(&server).contains("tokentoken") && sent(&server).contains(AUTHORIZATION.as_str()));
    assert_eq!(other.requests().len(), 2);
    assert!(!sent(&other).contains("token") && !sent(&other).contains(AUTHORIZATION.as_str()), "{}", sent(&other));
    let smuggled = server.url(&format!("to/302/{}", secret(&other.url("image"))));
    assert_eq!(kind(&fetcher, &smuggled).await, Some(Kind::BadLocation));
    let back = secret(&server.url("to/302//image"));
    assert_eq!(body(fetcher.send(&Fetch { headers, ..get(&back) }).await).await, image());
    let last = server.requests().last().unwrap().to_lowercase();
    assert!(last.contains("tokentoken") && last.contains(AUTHORIZATION.as_str()), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_lead_only_where_all_their_addresses_may_be_asked() {
    let server = Server::start(None).await;
    let url = format!("http://images.example:{}/image", server.address.rsplit(':').next().unwrap());
    let here = NameServer::start(&[[127, 0, 0, 1]]).await;
    assert_eq!(kind(&here.fetcher(filter(&[])), &url).await, Some(Kind::BadLocation));
    assert_eq!(body(here.fetcher(filter(&["images.example"])).send(&get(&url)).await).await, image());
    let asked = server.requests().len();
    for addresses in [&[[192, 0, 2, 1], [127, 0, 0, 1]][..], &[[127, 0, 0, 1], [169, 254, 169, 254]], &[[0, 0, 0, 0]]] {
        let names = NameServer::start(Box::leak(addresses.to_vec().into_boxed_slice())).await;
        assert_eq!(kind(&names.fetcher(filter(&[])), &url).await, Some(Kind::BadLocation), "{addresses:?}");
    }
    let partly = NameServer::start(&[[127, 0, 0, 1], [169, 254, 169, 254]]).await;
    assert_eq!(kind(&partly.fetcher(filter(&["images.example"])), &url).await, Some(Kind::BadLocation));
    let private = NameServer::start(&[[10, 0, 0, 1]]).await;
    let closed = UrlFilter { disallow_private: true, ..UrlFilter::default() };
    assert_eq!(kind(&private.fetcher(closed), &url).await, Some(Kind::BadLocation));
    assert_eq!(server.requests().len(), asked);
}

/// A runtime with one thread for everything that blocks, which is free while many names are being resolved.
#[test]
fn silent_name_servers_hold_no_thread() {
    let runtime = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let silent = NameServer::start(&[]).await;
        let fetcher = Arc::new(silent.fetcher(filter(&[])));
        let mut waiting = JoinSet::new();
        for number in 0..100 {
            let fetcher = Arc::clone(&fetcher);
            waiting.spawn(async move { kind(&fetcher, &format!("http://host{number}.example/x")).await });
        }
        for number in 0..20 {
            assert_eq!(tokio::task::spawn_blocking(move || number).await.unwrap(), number);
        }
        assert!(waiting.try_join_next().is_none(), "all names are still being resolved");
        let server = Server::start(None).await;
        let near = Fetcher::new(&nearby()).unwrap();
        let answers = join_all((0..5).map(|_| async { body(near.send(&get(&server.url("image"))).await).await })).await;
        assert!(answers.iter().all(|answer| *answer == image()));
    });
}

#[tokio::test]
async fn silent_name_servers_are_given_up() {
    let silent = NameServer::start(&[]).await;
    let names = Names::asking(silent.address, Duration::from_millis(100));
    let fetcher = Fetcher::resolving(&FetchOptions::default(), names).unwrap();
    assert_eq!(kind(&fetcher, "http://images.example/x").await, Some(Kind::Timeout));
}

#[tokio::test]
async fn names_of_the_hosts_file_are_known() {
    let found = Names::system(PATIENCE).addresses("localhost").await.unwrap();
    assert!(found.contains(&Ipv4Addr::LOCALHOST.into()), "{found:?}");
    assert!(Names::system(PATIENCE).addresses("localhost.").await.is_ok());
}

/// The variables are read once by a process, so a process of its own has them.
#[tokio::test(flavor = "multi_thread")]
async fn proxies_of_the_environment_are_not_used() {
    const CHILD: &str = "GLANCE_TEST_DIRECT_URL";
    if let Some(url) = std::env::var_os(CHILD) {
        let fetcher = Fetcher::new(&nearby()).unwrap();
        assert_eq!(body(fetcher.send(&get(url.to_str().unwrap())).await).await, image());
        return;
    }
    let (server, proxy) = (Server::start(None).await, Server::start(None).await);
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "fetch::tests::proxies_of_the_environment_are_not_used"]).env(CHILD, server.url("image"));
    for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(variable, format!("http://{}", proxy.address));
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY").env_remove("REQUEST_METHOD");
    let ended = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!((server.requests().len(), proxy.requests().len()), (1, 0));
}
