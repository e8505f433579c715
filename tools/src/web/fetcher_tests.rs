use std::io::Write;

use super::super::testing::{ScriptedLookup, TestServer, respond};
use super::*;

fn local() -> Fetcher {
    Fetcher::new(Egress::PublicAndLoopback)
}

async fn fetch(fetcher: &Fetcher, url: &str) -> Result<Fetched, FetchError> {
    fetcher.fetch(&Target::parse(url, fetcher.egress())?).await
}

async fn page(fetcher: &Fetcher, url: &str) -> Page {
    match fetch(fetcher, url).await.unwrap() {
        Fetched::Page(page) => Page::clone(&page),
        Fetched::Elsewhere { url, .. } => panic!("led to {url}"),
    }
}

/// Runs a fetch, and lets the time fly once the server has seen the request.
async fn fetch_when_time_flies(server: &mut TestServer, path: &str) -> Result<Fetched, FetchError> {
    let (fetcher, url) = (local(), server.url(path));
    let time_flies = async {
        server.requested().await;
        tokio::time::pause();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        result = fetch(&fetcher, &url) => result,
        () = time_flies => unreachable!(),
    }
}

#[tokio::test]
async fn html_becomes_markdown_and_text_stays_as_it_is() {
    let server = TestServer::always("text/html; charset=utf-8", "<title>T</title><p>a <b>b</b>\u{202e}");
    let found = page(&local(), &server.url("/x")).await;
    assert_eq!(
        (found.text.as_str(), found.kind.as_str(), found.is_cut),
        ("# T\n\na **b**\\u{202e}", "text/html", false)
    );
    assert_eq!(found.url, server.url("/x"));

    let server = TestServer::always("application/json", "{\"a\": \"<b>\"}\u{1b}[2J");
    assert_eq!(page(&local(), &server.url("/")).await.text, "{\"a\": \"<b>\"}\\u{1b}[2J");
}

#[tokio::test]
async fn a_request_carries_nothing_of_the_one_who_asks() {
    let server = TestServer::start(|_, stream| {
        respond(stream, "200 OK", "set-cookie: a=b\r\ncontent-type: text/plain\r\n", b"x")
    });
    let fetcher = local();
    page(&fetcher, &server.url("/a#fragment")).await;
    page(&fetcher, &server.url("/b")).await;
    for head in server.heads() {
        let names: Vec<_> = head
            .lines()
            .skip(1)
            .filter_map(|line| line.split(':').next())
            .filter(|name| !name.is_empty())
            .collect();
        assert_eq!(names, ["accept", "user-agent", "host"], "{head}");
    }
    assert!(server.heads()[0].starts_with("GET /a HTTP/1.1"));
}

#[tokio::test]
async fn a_page_comes_from_the_cache_for_a_while() {
    let server = TestServer::always("text/plain", "x");
    let fetcher = local();
    page(&fetcher, &server.url("/a")).await;
    page(&fetcher, &server.url("/a#b")).await;
    assert_eq!(server.heads().len(), 1);
    page(&fetcher, &server.url("/c")).await;
    assert_eq!(server.heads().len(), 2);
}

#[tokio::test]
async fn redirects_within_the_host_are_followed_and_others_are_told() {
    let server = TestServer::start(|path, stream| match path {
        "/start" => respond(stream, "302 Found", "location: next?a=b\r\n", b""),
        "/next?a=b" => respond(stream, "200 OK", "content-type: text/plain\r\n", b"arrived"),
        "/away" => respond(stream, "301 Moved Permanently", "location: https://other.example/x?y#z\r\n", b""),
        "/port" => respond(stream, "307 Temporary Redirect", "location: http://127.0.0.1:1/\r\n", b""),
        "/name" => respond(stream, "307 Temporary Redirect", "location: http://localhost/\r\n", b""),
        "/metadata" => respond(stream, "302 Found", "location: http://169.254.169.254/\r\n", b""),
        "/file" => respond(stream, "302 Found", "location: file:///etc/passwd\r\n", b""),
        "/user" => respond(stream, "302 Found", "location: https://u:p@other.example/\r\n", b""),
        "/nowhere" => respond(stream, "302 Found", "", b""),
        _ => respond(stream, "302 Found", &format!("location: {path}x\r\n"), b""),
    });
    let fetcher = local();
    let found = page(&fetcher, &server.url("/start")).await;
    assert_eq!((found.text.as_str(), found.url), ("arrived", server.url("/next?a=b")));
    for (path, to, status) in [
        ("/away", "https://other.example/x?y", "301 Moved Permanently"),
        ("/port", "http://127.0.0.1:1/", "307 Temporary Redirect"),
        ("/name", "http://localhost/", "307 Temporary Redirect"),
    ] {
        let elsewhere = Fetched::Elsewhere { url: to.into(), status: status.into() };
        assert_eq!(fetch(&fetcher, &server.url(path)).await, Ok(elsewhere));
    }
    let host = || "127.0.0.1".to_owned();
    for (path, error) in [
        ("/metadata", FetchError::NotPublic { host: "169.254.169.254".into() }),
        ("/file", FetchError::BadRedirect { host: host() }),
        ("/user", FetchError::UserInfo),
        ("/nowhere", FetchError::BadRedirect { host: host() }),
        ("/loop", FetchError::TooManyRedirects { host: host(), hops: HOPS_MAX }),
    ] {
        assert_eq!(fetch(&fetcher, &server.url(path)).await, Err(error));
    }
}

#[tokio::test]
async fn a_host_that_leads_into_a_private_network_is_not_connected_to() {
    let server = TestServer::always("text/plain", "secret");
    for addresses in [
        &["127.0.0.1"][..],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["fd00:ec2::254"],
        &["64:ff9b::7f00:1"],
        &["8.8.8.8", "127.0.0.1"],
    ] {
        let fetcher = Fetcher::with_lookup(Egress::Public, ScriptedLookup::new(&[addresses]));
        let refused = fetch(&fetcher, &format!("https://innocent.example:{}/", server.port())).await;
        assert_eq!(refused, Err(FetchError::NotPublic { host: "innocent.example".into() }), "{addresses:?}");
    }
    assert_eq!(server.heads().len(), 0);
    let fetcher = Fetcher::new(Egress::Public);
    let refused = fetch(&fetcher, &format!("http://localhost:{}/", server.port())).await;
    assert_eq!(refused, Err(FetchError::NotPublic { host: "localhost".into() }));
}

#[tokio::test]
async fn an_answer_that_changes_between_two_look_ups_is_checked_each_time() {
    // The first look-up is the one that is connected to; what a second one would have said does not matter.
    let server = TestServer::start(|path, stream| match path {
        "/again" => respond(stream, "302 Found", "location: /there\r\n", b""),
        _ => respond(stream, "200 OK", "content-type: text/plain\r\n", b"x"),
    });
    let lookup = ScriptedLookup::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let fetcher = Fetcher::with_lookup(Egress::PublicAndLoopback, lookup);
    let url = |path: &str| format!("http://localhost:{}{path}", server.port());
    // Each hop looks up again: the redirect's second hop is refused.
    assert_eq!(
        fetch(&fetcher, &url("/again")).await,
        Err(FetchError::NotPublic { host: "localhost".into() })
    );
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn binary_files_and_errors_give_no_page() {
    let server = TestServer::start(|path, stream| match path {
        "/pdf" => respond(stream, "200 OK", "content-type: application/pdf\r\n", b"%PDF-1.7"),
        "/nul" => respond(stream, "200 OK", "content-type: text/plain\r\n", b"a\0b"),
        "/odd" => respond(stream, "200 OK", "content-type: x/\x1b[2J\r\n", b"a\0b"),
        _ => respond(stream, "404 Not Found", "content-type: text/plain\r\n", b"the body of the error"),
    });
    let error = async |path: &str| fetch(&local(), &server.url(path)).await.unwrap_err().to_string();
    assert!(error("/pdf").await.contains("is application/pdf, not text"));
    assert!(error("/nul").await.contains("is text/plain, not text"));
    let missing = error("/missing").await;
    assert!(
        missing.starts_with("The server returned HTTP 404 Not Found.") && !missing.contains("body of"),
        "{missing}"
    );
}

#[tokio::test]
async fn an_endless_page_is_read_up_to_its_bound() {
    let server = TestServer::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")?;
        let line = "0123456789abcde\n".repeat(4096);
        loop {
            stream.write_all(line.as_bytes())?;
        }
    });
    let started = tokio::time::Instant::now();
    let found = page(&local(), &server.url("/")).await;
    assert!(started.elapsed() < TIME_MAX);
    assert_eq!((found.text.chars().count(), found.is_cut), (TEXT_CHARS_MAX, true));
}

#[tokio::test]
async fn a_server_that_drips_is_given_up() {
    let mut server = TestServer::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")?;
        loop {
            stream.write_all(b"x")?;
            stream.flush()?;
            std::thread::park_timeout(Duration::from_millis(20));
        }
    });
    assert_eq!(fetch_when_time_flies(&mut server, "/").await, Err(FetchError::TimedOut { after: TIME_MAX }));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let mut server = TestServer::start(|_, _| {
        loop {
            std::thread::park();
        }
    });
    assert_eq!(fetch_when_time_flies(&mut server, "/").await, Err(FetchError::TimedOut { after: TIME_MAX }));
}

#[tokio::test]
async fn a_host_that_is_not_there_is_named_with_the_cause() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = fetch(&local(), &format!("http://{free}/")).await.unwrap_err().to_string();
    assert!(error.starts_with("Could not fetch from 127.0.0.1: Connection refused"), "{error}");
    let fetcher = Fetcher::with_lookup(Egress::Public, ScriptedLookup::new(&[&[]]));
    let error = fetch(&fetcher, "https://gone.example/").await.unwrap_err().to_string();
    assert_eq!(error, "Could not fetch from gone.example: the host has no address.");
}
