//! The service under test.

use std::net::ToSocketAddrs as _;

use acceptance::{Endpoint, Images, Server, environment};

/// A server of the test's own, or the one to replay scenarios against.
pub(crate) struct Target {
    pub(crate) endpoint: Endpoint,
    pub(crate) images: Images,
    /// `None` when the service is somebody else's: then its files cannot be looked at.
    pub(crate) server: Option<Server>,
}

impl Target {
    pub(crate) fn new() -> Self {
        let Some(url) = environment::variable("GLANCE_TEST_REPLAY_URL") else {
            let server = Server::start();
            return Self { endpoint: server.endpoint(), images: server.images(), server: Some(server) };
        };
        let address =
            url.trim_start_matches("http://").trim_end_matches('/').to_socket_addrs().unwrap().next().unwrap();
        let endpoint = Endpoint { address };
        Self { endpoint, images: Images::at(endpoint), server: None }
    }

    /// That the store holds exactly the data of these images.
    pub(crate) fn assert_stored(&self, ids: &[&str]) {
        if let Some(server) = &self.server {
            let mut expected = ids.to_vec();
            expected.sort_unstable();
            assert_eq!(server.stored_files(), expected);
        }
    }
}
