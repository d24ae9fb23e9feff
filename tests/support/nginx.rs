//! nginx before a master, which ends TLS as clusters have it; and the certificates for it, made for one test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};

/// Why a test has to go without, if it has to.
pub fn missing() -> Option<String> {
    let found = Command::new("nginx").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    (!found.is_ok_and(|status| status.success())).then(|| "no nginx (apt install nginx)".to_owned())
}

/// An authority of a test's own.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
    /// Its certificate.
    pub file: PathBuf,
}

/// A certificate and its key, in files.
pub struct Certificate {
    pub chain: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("authority.pem");
        std::fs::write(&file, certificate.pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder, file }
    }

    /// A certificate for these names, valid until that year.
    pub fn issue(&self, names: &[&str], until: i32) -> Certificate {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.subject_alt_names = names
            .iter()
            .map(|name| match name.parse() {
                Ok(ip) => SanType::IpAddress(ip),
                Err(_) => SanType::DnsName((*name).try_into().unwrap()),
            })
            .collect();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let number = fastrand::u64(..);
        let (chain, place) =
            (self.folder.path().join(format!("{number}.pem")), self.folder.path().join(format!("{number}.key")));
        std::fs::write(&chain, certificate.pem()).unwrap();
        std::fs::write(&place, key.serialize_pem()).unwrap();
        restrict(&place);
        Certificate { chain, key: place }
    }
}

/// A file for its owner alone.
pub fn restrict(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A running nginx; it ends with this value.
pub struct Nginx {
    child: Child,
    _folder: tempfile::TempDir,
    pub port: u16,
}

impl Nginx {
    /// Before that master, with that certificate; demanding clients' certificates of that authority.
    pub async fn before(master: SocketAddr, certificate: &Certificate, clients: Option<&Authority>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = super::free_port();
        let place = folder.path().display();
        let verify = clients.map_or_else(String::new, |authority| {
            format!("ssl_client_certificate {}; ssl_verify_client on;", authority.file.display())
        });
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {place}/{kind};\n"))
            .concat();
        let config = format!(
            "daemon off; master_process off; pid {place}/pid; error_log stderr;\nevents {{}}\nhttp {{\n\
             access_log off;\n{temporary}\
             server {{\n listen 127.0.0.1:{port} ssl;\n ssl_certificate {chain};\n ssl_certificate_key {key};\n {verify}\n\
             location / {{\n proxy_pass http://{master}; proxy_http_version 1.1; proxy_buffering off;\n\
             proxy_read_timeout 1h; proxy_set_header Connection '';\n}} }} }}\n",
            chain = certificate.chain.display(),
            key = certificate.key.display(),
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let child = Command::new("nginx")
            .args(["-p", &place.to_string(), "-e", "stderr", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        super::until(Duration::from_secs(30), "nginx listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        Self { child, _folder: folder, port }
    }

    /// `https://HOST:PORT`
    pub fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
