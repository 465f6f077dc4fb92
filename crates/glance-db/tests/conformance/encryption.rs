//! What goes to a server in which form, seen from a server that offers TLS and then lets nobody in.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use glance_db::{Database, Settings};
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

/// What the server got to see.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// A login in plain text.
    Plain,
    /// A login through TLS.
    Encrypted,
    /// A client that did not trust the server.
    Distrust,
}

#[tokio::test]
async fn mysql_is_as_safe_as_the_url_asks() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, foreign) = (Authority::new("ours"), Authority::new("foreign"));
    let (file, other) = (ours.write(folder.path()), foreign.write(folder.path()));
    let (file, other) = (file.display(), other.display());
    let cases = [
        ("localhost", String::new(), Seen::Encrypted),
        ("localhost", "ssl_disabled=true".to_owned(), Seen::Plain),
        ("localhost", format!("ssl_ca={file}"), Seen::Encrypted),
        ("localhost", format!("ssl_ca={other}"), Seen::Distrust),
        ("127.0.0.1", format!("ssl_ca={file}"), Seen::Distrust),
        ("127.0.0.1", format!("ssl_ca={file}&ssl_check_hostname=false"), Seen::Encrypted),
        ("127.0.0.1", format!("ssl_ca={other}&ssl_check_hostname=false"), Seen::Distrust),
        ("127.0.0.1", format!("ssl_ca={other}&ssl_verify_cert=false"), Seen::Encrypted),
    ];
    for (host, parameters, expected) in cases {
        let (port, server) = serve(ours.acceptor("localhost"), mysql);
        let url = format!("mysql+pymysql://glance:secret@{host}:{port}/glance?{parameters}");
        check(url, server, expected).await;
    }
}

#[tokio::test]
async fn postgresql_is_as_safe_as_the_url_asks() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, foreign) = (Authority::new("ours"), Authority::new("foreign"));
    let (file, other) = (ours.write(folder.path()), foreign.write(folder.path()));
    let (file, other) = (file.display(), other.display());
    let cases = [
        ("localhost", "sslmode=disable".to_owned(), Seen::Plain),
        ("localhost", "sslmode=allow".to_owned(), Seen::Encrypted),
        ("localhost", "sslmode=prefer".to_owned(), Seen::Encrypted),
        ("localhost", "sslmode=require".to_owned(), Seen::Encrypted),
        ("localhost", format!("sslmode=require&sslrootcert={other}"), Seen::Distrust),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={file}"), Seen::Encrypted),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={other}"), Seen::Distrust),
        ("localhost", format!("sslmode=verify-full&sslrootcert={file}"), Seen::Encrypted),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={file}"), Seen::Distrust),
    ];
    for (host, parameters, expected) in cases {
        let (port, server) = serve(ours.acceptor("localhost"), postgres);
        let url = format!("postgresql://glance:secret@{host}:{port}/glance?{parameters}");
        check(url, server, expected).await;
    }
}

async fn check(url: String, server: JoinHandle<Seen>, expected: Seen) {
    let error = Database::connect(&Settings::new(&url)).await.unwrap_err();
    assert_eq!(server.join().unwrap(), expected, "{url}: {error:?}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

struct Authority {
    name: &'static str,
    certificate: X509,
    key: PKey<Private>,
}

impl Authority {
    fn new(name: &'static str) -> Self {
        let key = key();
        let mut builder = begin(name, name, &key);
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { name, certificate: builder.build(), key }
    }

    fn write(&self, folder: &Path) -> PathBuf {
        let file = folder.join(self.name);
        std::fs::write(&file, self.certificate.to_pem().unwrap()).unwrap();
        file
    }

    /// A server under that name, which the authority vouches for.
    fn acceptor(&self, host: &str) -> SslAcceptor {
        let key = key();
        let mut builder = begin(host, self.name, &key);
        let names = SubjectAlternativeName::new().dns(host).build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_private_key(&key).unwrap();
        acceptor.set_certificate(&builder.build()).unwrap();
        acceptor.build()
    }
}

fn key() -> PKey<Private> {
    let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap()
}

/// A certificate of version 3 that is valid today.
fn begin(subject: &str, issuer: &str, key: &PKey<Private>) -> X509Builder {
    let name = |text| {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", text).unwrap();
        name.build()
    };
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name(subject)).unwrap();
    builder.set_issuer_name(&name(issuer)).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.set_pubkey(key).unwrap();
    builder
}

/// Serves one connection.
fn serve(acceptor: SslAcceptor, answer: fn(TcpStream, &SslAcceptor) -> Seen) -> (u16, JoinHandle<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, std::thread::spawn(move || answer(listener.accept().unwrap().0, &acceptor)))
}

/// PostgreSQL's protocol up to the login: <https://www.postgresql.org/docs/current/protocol-flow.html>.
fn postgres(mut client: TcpStream, acceptor: &SslAcceptor) -> Seen {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let mut first = [0; 8];
    client.read_exact(&mut first).unwrap();
    if first != SSL_REQUEST {
        return Seen::Plain;
    }
    client.write_all(b"S").unwrap();
    let Ok(mut encrypted) = acceptor.accept(client) else { return Seen::Distrust };
    match encrypted.read_exact(&mut first) {
        Ok(()) => Seen::Encrypted,
        Err(_) => Seen::Distrust,
    }
}

/// MySQL's protocol up to the login: <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html>.
fn mysql(mut client: TcpStream, acceptor: &SslAcceptor) -> Seen {
    client.write_all(&packet(0, &greeting())).unwrap();
    let first = read_packet(&mut client).unwrap();
    if first.len() != 32 {
        refuse(&mut client, 2);
        return Seen::Plain;
    }
    let Ok(mut encrypted) = acceptor.accept(client) else { return Seen::Distrust };
    // With TLS 1.3 the server is through before the client has looked at the certificate.
    match read_packet(&mut encrypted) {
        Ok(_) => {
            refuse(&mut encrypted, 3);
            Seen::Encrypted
        }
        Err(_) => Seen::Distrust,
    }
}

fn refuse(client: &mut impl Write, number: u8) {
    let mut error = vec![0xff];
    error.extend(1045_u16.to_le_bytes());
    error.extend(b"#28000Access denied");
    client.write_all(&packet(number, &error)).unwrap();
}

fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = u32::try_from(payload.len()).unwrap().to_le_bytes().to_vec();
    packet[3] = number;
    packet.extend(payload);
    packet
}

fn read_packet(client: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut head = [0; 4];
    client.read_exact(&mut head)?;
    head[3] = 0;
    let mut payload = vec![0; usize::try_from(u32::from_le_bytes(head)).unwrap()];
    client.read_exact(&mut payload)?;
    Ok(payload)
}

/// Version 10, of a server that can do TLS and takes `mysql_native_password`.
fn greeting() -> Vec<u8> {
    const PROTOCOL_41: u32 = 0x200;
    const SSL: u32 = 0x800;
    const SECURE_CONNECTION: u32 = 0x8000;
    const PLUGIN_AUTH: u32 = 0x8_0000;
    let [low, high] = {
        let bytes = (PROTOCOL_41 | SSL | SECURE_CONNECTION | PLUGIN_AUTH | 1 | 8).to_le_bytes();
        [[bytes[0], bytes[1]], [bytes[2], bytes[3]]]
    };
    let mut text = vec![10];
    text.extend(b"8.0.0\0");
    text.extend(7_u32.to_le_bytes());
    text.extend(b"12345678\0");
    text.extend(low);
    text.push(45);
    text.extend([2, 0]);
    text.extend(high);
    text.push(21);
    text.extend([0; 10]);
    text.extend(b"901234567890\0");
    text.extend(b"mysql_native_password\0");
    text
}
