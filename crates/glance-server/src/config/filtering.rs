//! From the options of `[import_filtering_opts]` to what the service asks for users.

use anyhow::Context as _;
use glance_store::fetch::UrlFilter;

/// The filter as the options say.
///
/// # Errors
/// For a port that is none.
pub fn url_filter(options: &oslo::config::Config) -> anyhow::Result<UrlFilter> {
    let group = "import_filtering_opts";
    let ports = |name: &str| -> anyhow::Result<Vec<u16>> {
        let texts: Vec<String> = options.get(group, name)?;
        let numbers =
            texts.iter().map(|text| text.trim().parse().with_context(|| format!("{name}: {text} is no port")));
        numbers.collect()
    };
    Ok(UrlFilter {
        allowed_schemes: options.get(group, "allowed_schemes")?,
        disallowed_schemes: options.get(group, "disallowed_schemes")?,
        allowed_hosts: options.get(group, "allowed_hosts")?,
        disallowed_hosts: options.get(group, "disallowed_hosts")?,
        allowed_ports: ports("allowed_ports")?,
        disallowed_ports: ports("disallowed_ports")?,
        disallow_private: options.get(group, "disallow_private")?,
    })
}

#[cfg(test)]
mod tests {
    use oslo::config::{Config, Sources};

    use super::*;
    use crate::config::options::TABLES;

    fn filter(lines: &str) -> anyhow::Result<UrlFilter> {
        let mut sources = Sources::new();
        sources.add_text("glance-api.conf", &format!("[import_filtering_opts]\n{lines}\n")).unwrap();
        url_filter(&Config::new(sources, TABLES))
    }

    #[test]
    fn the_defaults_are_those_of_glance() {
        let filter = filter("").unwrap();
        for (url, good) in [
            ("http://192.0.2.9/x", true),
            ("https://images.example:443/x", true),
            ("http://10.0.0.1/x", true),
            ("http://images.example:8080/x", false),
            ("ftp://images.example/x", false),
            ("http://127.0.0.1/x", false),
        ] {
            assert_eq!(filter.judge(url).is_ok(), good, "{url}");
        }
    }

    #[test]
    fn options_change_what_may_be_asked() {
        let near = filter("allowed_hosts = [127.0.0.1]\nallowed_ports = []").unwrap();
        assert!(near.judge("http://127.0.0.1:1234/x").is_ok());
        assert!(near.judge("http://10.0.0.1/x").is_err());
        assert!(filter("disallow_private = true").unwrap().judge("http://10.0.0.1/x").is_err());
        assert!(filter("disallowed_hosts = [bad.example]").unwrap().judge("http://bad.example./x").is_err());
        assert!(filter("allowed_ports = [http]").is_err());
    }
}
