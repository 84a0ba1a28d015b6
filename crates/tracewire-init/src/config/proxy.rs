//! The way to a collector through an HTTP proxy: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
//! `NO_PROXY`, in either case.

use tracewire_export::wiring::is_loopback;
use tracewire_export::{NoProxy, Protocol, Proxy};
use url::Url;

use crate::plan::{Origin, Plan};
use crate::variables::Reader;

/// What the variables for proxies say.
#[derive(Default)]
pub(crate) struct Proxies {
    https: Option<Variable>,
    http: Option<Variable>,
    all: Option<Variable>,
    excluded: Option<NoProxy>,
}

/// A variable's name and its text, which may hold a password.
#[derive(Clone)]
struct Variable(String, String);

impl Proxies {
    /// Reads the variables.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        // A web server hands a client's `Proxy` header to its CGI programs as HTTP_PROXY.
        let is_cgi = reader.text("REQUEST_METHOD").is_some();
        let mut one = |name: &str| Some(Variable(name.to_owned(), reader.text(name)?));
        let mut either = |lower: &str| one(lower).or_else(|| one(&lower.to_ascii_uppercase()));
        Self {
            https: either("https_proxy"),
            all: either("all_proxy"),
            excluded: either("no_proxy").map(|Variable(_, list)| NoProxy::parse(&list)),
            http: if is_cgi { one("http_proxy") } else { either("http_proxy") },
        }
    }

    /// The proxy for `url`, if the environment names one that can be used.
    ///
    /// Loopback addresses are never reached through a proxy.
    pub(crate) fn choose(&self, url: &Url, plan: &mut Plan) -> Option<Proxy> {
        if is_loopback(url) || self.excluded.as_ref().is_some_and(|list| list.excludes(url)) {
            return None;
        }
        let special = if url.scheme() == "https" { &self.https } else { &self.http };
        let Variable(variable, text) = special.as_ref().or(self.all.as_ref())?;
        let proxy = Proxy::parse(text);
        match &proxy {
            Some(_) => plan.decide("proxy", "(not shown)", Origin::Variable(variable.clone())),
            None => plan.warn(format!(
                "{variable} is ignored (its value is not shown): it must be the URL of an HTTP proxy"
            )),
        }
        proxy
    }

    /// The same for a protocol: with gRPC the connection to a proxy is without TLS.
    pub(crate) fn choose_for(
        &self,
        url: &Url,
        protocol: Protocol,
        plan: &mut Plan,
    ) -> Option<Proxy> {
        let proxy = self.choose(url, plan)?;
        if protocol != Protocol::Grpc || proxy.is_plain() {
            return Some(proxy);
        }
        plan.warn(
            "the proxy is not used for gRPC (its URL is not shown): gRPC supports only proxies whose \
             URL begins with http://"
                .to_owned(),
        );
        None
    }
}

/// Without the texts.
impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxies").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(variables: &[(&str, &str)], url: &str) -> (Option<Proxy>, Plan) {
        let (env, mut plan) = (crate::variables::Env::of(variables), Plan::default());
        let proxies = Proxies::read(&mut Reader::new(&env, &mut plan));
        (proxies.choose(&Url::parse(url).unwrap(), &mut plan), plan)
    }

    fn chosen(variables: &[(&str, &str)], url: &str) -> (Option<String>, usize) {
        let (proxy, plan) = choose(variables, url);
        (proxy.map(|proxy| proxy.host().to_owned()), plan.warnings().count())
    }

    #[test]
    fn the_scheme_chooses_the_variable() {
        let http = ("HTTP_PROXY", "http://plain:3128");
        let https = ("https_proxy", "secure:3128");
        let all = ("ALL_PROXY", "http://user:secret@any:1");
        for (variables, url, expected) in [
            (&[http, https, all][..], "http://collector", Some("plain")),
            (&[http, https, all], "https://collector", Some("secure")),
            (&[all], "http://collector", Some("any")),
            (&[http], "https://collector", None),
            (&[http, all], "http://localhost:4318", None),
            (&[http, all], "http://127.0.0.1:4318", None),
            (&[http, ("REQUEST_METHOD", "GET")], "http://collector", None),
            (&[http, ("no_proxy", "collector")], "http://collector", None),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(chosen(variables, url), (expected, 0), "{variables:?} {url}");
        }
    }

    #[test]
    fn what_is_no_http_proxy_is_warned_of_without_its_value() {
        for bad in ["socks5://user:secret@host:1", "http://", "r32/?//52:**secret"] {
            let (proxy, plan) = choose(&[("ALL_PROXY", bad)], "http://collector");
            assert!(proxy.is_none(), "{bad}");
            let warnings: Vec<_> = plan.warnings().collect();
            assert_eq!(warnings.len(), 1, "{bad}");
            assert!(!warnings[0].contains("secret"), "{}", warnings[0]);
        }
    }
}
