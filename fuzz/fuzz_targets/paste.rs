//! Files in the format of Python's configparser: one of any content must describe an application or a logging
//! configuration, or be refused by line.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use oslo::logging::{self, ContextFormat, ContextStrings};
use oslo::paste::{Composites, load_text};

fuzz_target!(|text: &str| {
    // Other files are read with such a line.
    if !text.contains("config:") {
        let composites = Composites {
            url_maps: &["glance.api:root_app_factory"],
            flavored: &["urlmap:flavored"],
            flavor: "keystone",
        };
        let _ = load_text(text, Path::new("/etc/glance/glance-api-paste.ini"), "glance-api", &composites);
    }
    let context = ContextFormat::new(&ContextStrings::default()).unwrap();
    if let Ok(configuration) = logging::read(text, &context) {
        for logger in configuration.loggers.values().chain([&configuration.root]) {
            assert!(logger.handlers.iter().all(|name| configuration.handlers.contains_key(name)));
        }
        let lowest = configuration.lowest_level();
        assert!(configuration.loggers.keys().all(|name| configuration.effective_level(name) >= lowest));
    }
});
