//! What a client shows a service, and what it wants to see: certificates, tokens, names.
//!
//! A token leaves this machine only encrypted. Its file is read again for every call; certificates
//! are read when the connection is made.

use std::{
    env, fmt, fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use tonic::{
    metadata::MetadataValue,
    service::{interceptor::InterceptedService, Interceptor},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
    Request, Status,
};

/// A connection whose calls carry the token: what the generated clients are made with.
pub type Connection = InterceptedService<Channel, Bearer>;

/// Credentials that contradict themselves, files that cannot be read, or nobody at the address.
#[derive(Debug)]
pub struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

/// How to reach a service that wants more than an address. The default is plain text without a
/// token: a service on this machine, or behind a mesh.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Encrypt, and believe certificates that this machine's authorities vouch for.
    pub tls: bool,
    /// PEM file of the authorities to believe instead; means `tls`.
    pub ca: Option<PathBuf>,
    /// PEM file of our own certificate; means `tls`.
    pub cert: Option<PathBuf>,
    /// PEM file of its private key.
    pub key: Option<PathBuf>,
    /// Sent with every call. A file is better: it can be renewed while a program runs.
    pub token: String,
    /// File with the token.
    pub token_file: Option<PathBuf>,
    /// The name in the service's certificate, where it is not the address.
    pub server_name: String,
}

impl Credentials {
    /// Returns what VERTEBRA_TLS, _CA, _CERT, _KEY, _TOKEN, _TOKEN_FILE and _SERVER_NAME say, as
    /// the command line reads them.
    pub fn from_environment() -> Result<Self, Unusable> {
        let said = |name: &str| {
            env::var(format!("VERTEBRA_{name}")).unwrap_or_default().trim().to_string()
        };
        let file = |name: &str| Some(said(name)).filter(|path| !path.is_empty()).map(expanded);
        let tls = match said("TLS").to_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => true,
            "" | "0" | "false" | "no" | "off" => false,
            other => return Err(Unusable(format!("VERTEBRA_TLS is 1 or 0, not {other:?}"))),
        };
        Ok(Self {
            tls,
            ca: file("CA"),
            cert: file("CERT"),
            key: file("KEY"),
            token: said("TOKEN"),
            token_file: file("TOKEN_FILE"),
            server_name: said("SERVER_NAME"),
        })
    }

    /// Connects to `host:port`.
    pub async fn connect(&self, address: &str) -> Result<Connection, Unusable> {
        self.require_fit_for(address)?;
        let bearer = Bearer::of(self)?;
        let channel = self.endpoint(address)?.connect().await;
        let channel = channel.map_err(|error| Unusable(told(address, &error)))?;
        Ok(InterceptedService::new(channel, bearer))
    }

    fn is_encrypted(&self) -> bool {
        self.tls || self.ca.is_some() || self.cert.is_some()
    }

    /// Refuses what contradicts itself, and a token that would travel readable for others.
    fn require_fit_for(&self, address: &str) -> Result<(), Unusable> {
        let has_token = !self.token.is_empty() || self.token_file.is_some();
        let is_readable = has_token && !self.is_encrypted() && !is_loopback(address);
        let problems = [
            (self.cert.is_none() && self.key.is_some(), "a key without its certificate"),
            (self.cert.is_some() && self.key.is_none(), "a certificate without its key"),
            (
                !self.token.is_empty() && self.token_file.is_some(),
                "a token and a token file: give one of them",
            ),
            (
                !self.server_name.is_empty() && !self.is_encrypted(),
                "a server name without TLS: nothing would compare it",
            ),
            (
                is_readable,
                "the token is not sent in plain text: give the authority of the service's \
                 certificate (ca), or tls where this machine knows it already",
            ),
        ];
        match problems.iter().find(|(is_so, _)| *is_so) {
            Some((_, problem)) => Err(Unusable(format!("{address}: {problem}"))),
            None => Ok(()),
        }
    }

    fn endpoint(&self, address: &str) -> Result<Endpoint, Unusable> {
        let scheme = if self.is_encrypted() { "https" } else { "http" };
        let wrong = |error| Unusable(told(address, &error));
        let endpoint = Channel::from_shared(format!("{scheme}://{address}"))
            .map_err(|error| Unusable(format!("{address}: {error}")))?
            .keep_alive_timeout(Duration::from_secs(20))
            .http2_keep_alive_interval(Duration::from_secs(30));
        if !self.is_encrypted() {
            return Ok(endpoint);
        }
        endpoint.tls_config(self.tls_config()?).map_err(wrong)
    }

    fn tls_config(&self) -> Result<ClientTlsConfig, Unusable> {
        let mut config = match &self.ca {
            Some(file) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(file)?)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            config = config.identity(Identity::from_pem(read(cert)?, read(key)?));
        }
        if !self.server_name.is_empty() {
            config = config.domain_name(&self.server_name);
        }
        Ok(config)
    }
}

/// Puts the token on every call, as its file is at that moment.
#[derive(Clone)]
pub struct Bearer {
    file: Option<PathBuf>,
    last: Arc<Mutex<String>>,
}

impl Bearer {
    fn of(credentials: &Credentials) -> Result<Self, Unusable> {
        let token = match &credentials.token_file {
            Some(file) => token_in(file)?,
            None => credentials.token.clone(),
        };
        Ok(Self { file: credentials.token_file.clone(), last: Arc::new(Mutex::new(token)) })
    }

    /// Returns the token; a file that is half-written leaves the last one.
    fn current(&self) -> String {
        let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(token) = self.file.as_deref().and_then(|file| token_in(file).ok()) {
            *last = token;
        }
        last.clone()
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let token = self.current();
        if !token.is_empty() {
            let value = MetadataValue::try_from(format!("Bearer {token}"))
                .map_err(|_| Status::invalid_argument("the token cannot be sent"))?;
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

fn read(file: &Path) -> Result<String, Unusable> {
    fs::read_to_string(file)
        .map_err(|error| Unusable(format!("{} cannot be read: {error}", file.display())))
}

fn token_in(file: &Path) -> Result<String, Unusable> {
    let token = read(file)?.trim().to_string();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Unusable(format!("{} does not hold a token", file.display())));
    }
    Ok(token)
}

/// Returns a path with the caller's own folder for a leading `~`.
fn expanded(path: String) -> PathBuf {
    match (path.strip_prefix("~/"), env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.into(),
    }
}

/// Returns whether calls to `host:port` cannot leave this machine.
fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Returns what went wrong with all that caused it: the telling part is the innermost.
fn told(address: &str, error: &dyn std::error::Error) -> String {
    let mut text = format!("{address}: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(credentials: Credentials) -> String {
        let fit = credentials.require_fit_for("service.example:443");
        fit.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_token_leaves_this_machine_only_encrypted() {
        let shown = Credentials { token: "secret".into(), ..Default::default() };
        assert!(refusal(shown.clone()).contains("plain text"));
        assert!(!refusal(shown.clone()).contains("secret"));
        assert!(shown.require_fit_for("127.0.0.1:1").is_ok());
        assert_eq!(refusal(Credentials { tls: true, ..shown }), "");
    }

    #[test]
    fn halves_of_a_pair_are_refused() {
        let cert = Credentials { cert: Some("a.pem".into()), ..Default::default() };
        let key = Credentials { key: Some("a.key".into()), ..Default::default() };
        assert!(refusal(cert).contains("without its key"));
        assert!(refusal(key).contains("without its certificate"));
    }

    #[test]
    fn which_addresses_are_this_machine() {
        for (address, is_so) in [
            ("localhost:1", true),
            ("127.0.0.1:1", true),
            ("[::1]:1", true),
            ("10.0.0.1:1", false),
            ("localhost.example:1", false),
        ] {
            assert_eq!(is_loopback(address), is_so, "{address}");
        }
    }

    #[test]
    fn a_token_file_that_is_half_written_leaves_the_last_token() {
        let file = env::temp_dir().join(format!("vertebra-token-{}", std::process::id()));
        fs::write(&file, "first\n").unwrap();
        let shown = Credentials { token_file: Some(file.clone()), ..Default::default() };
        let bearer = Bearer::of(&shown).unwrap();
        fs::write(&file, "").unwrap();
        assert_eq!(bearer.current(), "first");
        fs::write(&file, "second\n").unwrap();
        assert_eq!(bearer.current(), "second");
        fs::remove_file(&file).unwrap();
        assert!(Bearer::of(&shown).is_err());
    }
}
