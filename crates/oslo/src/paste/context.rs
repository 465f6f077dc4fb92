//! From contexts to the description of an application: pipelines are put together and composites filled.

use std::rc::Rc;

use super::loader::{Loader, Options, Place, Shared, Trail};
use super::{App, Error, Part, Route};

/// What a name is looked up as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something that answers requests.
    App,
    /// Something in front of it.
    Filter,
}

/// How a factory is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// It makes an application.
    App,
    /// It makes an application of others, which it loads by name.
    Composite,
    /// It makes a filter.
    Filter,
}

/// Where a name has led to.
pub(super) struct Context<'a> {
    pub(super) what: What<'a>,
    pub(super) place: Place,
    pub(super) local: Shared,
    pub(super) global: Shared,
    /// The file in which a composite looks its applications up.
    pub(super) loader: Rc<Loader<'a>>,
}

pub(super) enum What<'a> {
    /// The product of a factory.
    Made {
        kind: Kind,
        object: String,
        protocol: Option<Protocol>,
    },
    Pipeline {
        filters: Vec<Context<'a>>,
        app: Box<Context<'a>>,
    },
    FilterApp {
        filter: Box<Context<'a>>,
        next: Box<Context<'a>>,
    },
    /// An application or a filter, with a filter in front of it.
    FilterWith {
        filter: Box<Context<'a>>,
        next: Box<Context<'a>>,
    },
}

impl Kind {
    /// The sections that describe it.
    pub(super) fn sections(self, name: &str) -> String {
        match self {
            Self::App => format!("[app:{name}], [pipeline:{name}] or [composite:{name}]"),
            Self::Filter => format!("[filter:{name}]"),
        }
    }

    /// What a package has under a name. Of those that matter here only Paste has composites.
    pub(super) fn of_egg(self, package: &str, name: &str) -> Protocol {
        match self {
            Self::Filter => Protocol::Filter,
            Self::App if is_url_map(package, name) => Protocol::Composite,
            Self::App => Protocol::App,
        }
    }
}

impl Protocol {
    /// What `use = call:` means in a section of this name.
    pub(super) fn of_section(name: &str) -> Option<Self> {
        match name.split(':').next() {
            Some("app" | "application") => Some(Self::App),
            Some("composite" | "composit") => Some(Self::Composite),
            Some("filter") => Some(Self::Filter),
            _ => None,
        }
    }
}

fn is_url_map(package: &str, name: &str) -> bool {
    package.eq_ignore_ascii_case("paste") && name == "urlmap"
}

impl Context<'_> {
    /// Describes the application.
    pub(super) fn app(&self, trail: &mut Trail) -> Result<App, Error> {
        match &self.what {
            What::Made { kind: Kind::App, object, protocol: Some(Protocol::Composite) } => {
                trail.deeper(&self.place, |trail| self.composite(object, trail))
            }
            What::Made { kind: Kind::App, object, protocol: Some(Protocol::App) } => {
                Ok(App::Endpoint(self.part(object)))
            }
            What::Made { .. } => Err(self.place.invalid("it is not known how to call the factory")),
            What::Pipeline { filters, app } => {
                let filters: Vec<Vec<Part>> = filters.iter().map(Self::filter).collect::<Result<_, _>>()?;
                Ok(App::Pipeline { filters: filters.concat(), app: Box::new(app.app(trail)?) })
            }
            What::FilterApp { filter, next } => {
                Ok(App::Pipeline { filters: filter.filter()?, app: Box::new(next.app(trail)?) })
            }
            What::FilterWith { filter, next } if matches!(next.what, What::Made { .. }) => {
                Ok(App::Pipeline { filters: filter.filter()?, app: Box::new(next.app(trail)?) })
            }
            What::FilterWith { .. } => {
                Err(self.place.invalid("filter-with is for an application with a factory, not for a pipeline"))
            }
        }
    }

    /// Describes the filter and those in front of it.
    fn filter(&self) -> Result<Vec<Part>, Error> {
        match &self.what {
            What::Made { kind: Kind::Filter, object, protocol: Some(Protocol::Filter) } => Ok(vec![self.part(object)]),
            What::FilterWith { filter, next } => Ok([filter.filter()?, next.filter()?].concat()),
            What::Made { .. } | What::Pipeline { .. } | What::FilterApp { .. } => {
                Err(self.place.invalid("it is not known how to call the factory"))
            }
        }
    }

    fn part(&self, factory: &str) -> Part {
        Part {
            section: self.place.section.clone(),
            factory: factory.to_owned(),
            local: self.local.borrow().clone(),
            global: self.global.borrow().clone(),
            file: self.place.file.clone(),
            line: self.place.line,
        }
    }

    fn composite(&self, object: &str, trail: &mut Trail) -> Result<App, Error> {
        let composites = self.loader.composites;
        let egg = object.strip_prefix("egg:").and_then(|egg| egg.split_once('#'));
        if egg.is_some_and(|(package, name)| is_url_map(package, name)) || composites.url_maps.contains(&object) {
            return self.url_map(trail);
        }
        if composites.flavored.contains(&object) {
            return self.flavored(trail);
        }
        Err(self.place.invalid(&format!("the composite factory {object} is not known")))
    }

    fn url_map(&self, trail: &mut Trail) -> Result<App, Error> {
        let (local, global) = (self.local.borrow(), self.global.borrow());
        if local.contains_key("not_found_app") || global.get("not_found_app").is_some_and(|name| !name.is_empty()) {
            return Err(self.place.invalid("an application for unknown paths (not_found_app) is not supported"));
        }
        let mut routes: Vec<Route> = Vec::new();
        for (expression, name) in local.iter() {
            let path = route_path(expression);
            let path = path.ok_or_else(|| self.place.invalid(&format!("{expression}: a path starts with a slash")))?;
            let app = self.load(name, &global, trail)?;
            routes.retain(|route| route.path != path);
            routes.push(Route { path, app });
        }
        Ok(App::UrlMap(routes))
    }

    fn flavored(&self, trail: &mut Trail) -> Result<App, Error> {
        let local = self.local.borrow();
        let flavor = self.loader.composites.flavor;
        let flavor = if flavor.is_empty() { "default" } else { flavor };
        let Some(words) = local.get(flavor) else {
            let known: Vec<&str> = local.keys().map(String::as_str).collect();
            let reason = format!("there is no pipeline for the flavor {flavor}, only for {}", known.join(", "));
            return Err(self.place.invalid(&reason));
        };
        let mut names = words.split_whitespace();
        let app = names.next_back().ok_or_else(|| self.place.invalid(&format!("the pipeline {flavor} is empty")))?;
        // Python Glance hands nothing on that was `set` on the way.
        let none = Options::new();
        let filter = |name| self.loader.context(Kind::Filter, name, &none, Some(&self.place), trail)?.filter();
        let filters: Vec<Vec<Part>> = names.map(filter).collect::<Result<_, _>>()?;
        Ok(App::Pipeline { filters: filters.concat(), app: Box::new(self.load(app, &none, trail)?) })
    }

    fn load(&self, name: &str, global: &Options, trail: &mut Trail) -> Result<App, Error> {
        self.loader.context(Kind::App, name, global, Some(&self.place), trail)?.app(trail)
    }
}

/// A path of a URL map without repeated slashes and without one at the end.
fn route_path(text: &str) -> Option<String> {
    if !text.starts_with('/') || text.contains(char::is_whitespace) {
        return None;
    }
    let words = text.split('/').filter(|word| !word.is_empty());
    Some(words.fold(String::new(), |path, word| path + "/" + word))
}
