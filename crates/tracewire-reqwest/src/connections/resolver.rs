//! Looks names up.

use super::BoxError;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name as SystemName};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{fmt, net::SocketAddr, sync::Arc};
use tower_service::Service;
use tracewire_http::wiring::{Connections, Lookup};

/// A resolver whose lookups are traced.
pub(super) struct TracedResolver {
    inner: Arc<dyn Resolve>,
    connections: Connections,
}

impl TracedResolver {
    pub(super) fn new(inner: Arc<dyn Resolve>, connections: Connections) -> Self {
        Self { inner, connections }
    }

    pub(super) fn of_system(connections: Connections) -> Self {
        Self::new(Arc::new(System), connections)
    }
}

impl Resolve for TracedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = Lookup::begin(&self.connections, name.as_str());
        let resolving = self.inner.resolve(name);
        Box::pin(async move {
            match resolving.await {
                Ok(addresses) => {
                    let addresses: Vec<SocketAddr> = addresses.collect();
                    lookup.succeed(&addresses);
                    Ok(Box::new(addresses.into_iter()) as Addrs)
                }
                Err(error) => {
                    lookup.fail(&*error);
                    Err(error)
                }
            }
        })
    }
}

impl fmt::Debug for TracedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedResolver").finish_non_exhaustive()
    }
}

/// What reqwest does by default: `getaddrinfo` on a thread for blocking work.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name: SystemName = name.as_str().parse().map_err(BoxError::from)?;
            let addresses = GaiResolver::new().call(name).await?;
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
