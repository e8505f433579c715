//! A web page as Markdown, however the page is built.
//!
//! Pages are hostile: elements a million deep would overflow the converter's stack, and some orders of tags cost the
//! parser quadratic time. So the page is parsed piece by piece under a time limit, its tree is looked at without
//! recursion, and one that is too deep is given as plain text.

use std::rc::Rc;
use std::time::Duration;

use htmd::element_handler::Handlers;
use htmd::options::{BrStyle, BulletListMarker, Options};
use htmd::{Element, HtmlToMarkdown};
use html5ever::tendril::{StrTendril, TendrilSink as _};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{Attribute, ParseOpts, local_name, parse_document};
use markup5ever_rcdom::{Node, NodeData, RcDom};
use tokio::time::Instant;
use url::Url;

/// Bytes that are parsed between two looks at the clock.
const PIECE_BYTES: usize = 8 << 10;
/// Time for parsing; real pages of 10 MB take a tenth of it.
const PARSE_TIME_MAX: Duration = Duration::from_secs(3);
/// Elements within each other that the converter can walk; browsers stop at 512, real pages have some dozens.
const DEPTH_MAX: usize = 200;
/// Elements that hold nothing to read.
const SKIPPED: [&str; 12] = [
    "script", "style", "template", "iframe", "object", "embed", "svg", "canvas", "audio", "video", "head",
    "dialog",
];

/// A page could not be parsed in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooComplexError;

/// Converts a page. Relative links are resolved against `base`. Takes seconds in the worst case: not for an event loop.
pub(super) fn to_markdown(html: &str, base: &Url) -> Result<String, TooComplexError> {
    let dom = parse(html)?;
    let seen = look_at(&dom.document, base);
    let body = if seen.depth > DEPTH_MAX {
        plain_text(&dom.document)
    } else {
        converter().tree_to_markdown(&dom.document)
    };
    let title = seen.title.trim();
    let body = body.trim();
    let is_repeated = body.lines().take(5).any(|line| line.trim_start_matches(['#', ' ']) == title);
    Ok(if title.is_empty() || is_repeated { body.to_owned() } else { format!("# {title}\n\n{body}") })
}

fn parse(html: &str) -> Result<RcDom, TooComplexError> {
    let tree_builder = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
    let options = ParseOpts { tree_builder, ..ParseOpts::default() };
    let mut parser = parse_document(RcDom::default(), options);
    let started = Instant::now();
    let mut rest = html;
    while !rest.is_empty() {
        if started.elapsed() > PARSE_TIME_MAX {
            return Err(TooComplexError);
        }
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES.min(rest.len())));
        parser.process(StrTendril::from_slice(piece));
        rest = behind;
    }
    Ok(parser.finish())
}

/// What one walk over the tree finds.
#[derive(Default)]
struct Seen {
    depth: usize,
    title: String,
}

/// Finds the depth and the title, and tidies links and images on the way.
fn look_at(document: &Rc<Node>, base: &Url) -> Seen {
    let mut seen = Seen::default();
    let mut open = vec![(Rc::clone(document), 0)];
    while let Some((node, depth)) = open.pop() {
        seen.depth = seen.depth.max(depth);
        if let NodeData::Element { name, attrs, .. } = &node.data {
            match &*name.local {
                "a" => tidy(&mut attrs.borrow_mut(), base),
                "img" => attrs.borrow_mut().retain(|attr| {
                    !(attr.name.local == local_name!("src") && attr.value.starts_with("data:"))
                }),
                "title" if seen.title.is_empty() => seen.title = one_line(&text_of(&node)),
                _ => {}
            }
        }
        open.extend(node.children.borrow().iter().rev().map(|child| (Rc::clone(child), depth + 1)));
    }
    seen
}

/// Makes links absolute, so that they can be fetched, and drops those that only a browser can follow.
fn tidy(attributes: &mut Vec<Attribute>, base: &Url) {
    attributes.retain_mut(|attr| {
        if attr.name.local != local_name!("href") {
            return true;
        }
        match base.join(&attr.value) {
            Ok(url) if matches!(url.scheme(), "http" | "https" | "mailto") => {
                attr.value = url.as_str().into();
                true
            }
            Ok(_) | Err(_) => false,
        }
    });
}

fn converter() -> HtmlToMarkdown {
    let options = Options {
        br_style: BrStyle::Backslash,
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    HtmlToMarkdown::builder()
        .options(options)
        .skip_tags(SKIPPED.to_vec())
        // A link without an address is its text.
        .add_handler(vec!["a"], |handlers: &dyn Handlers, element: Element<'_>| {
            if element.attrs.iter().any(|attr| attr.name.local == local_name!("href")) {
                handlers.fallback(element)
            } else {
                Some(handlers.walk_children(element.node))
            }
        })
        .build()
}

/// All text below a node, in order.
fn text_of(node: &Rc<Node>) -> String {
    let mut text = String::new();
    let mut open = vec![Rc::clone(node)];
    while let Some(node) = open.pop() {
        match &node.data {
            NodeData::Text { contents } => text.push_str(&contents.borrow()),
            NodeData::Element { name, .. } if SKIPPED.contains(&&*name.local) => continue,
            NodeData::Element { .. } | NodeData::Document => {}
            NodeData::Comment { .. } | NodeData::Doctype { .. } | NodeData::ProcessingInstruction { .. } => {
                continue;
            }
        }
        open.extend(node.children.borrow().iter().rev().map(Rc::clone));
    }
    text
}

/// The page's text without any marks, one line for each piece.
fn plain_text(document: &Rc<Node>) -> String {
    let text = text_of(document);
    let lines: Vec<String> = text.lines().map(one_line).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markdown(html: &str) -> String {
        to_markdown(html, &Url::parse("https://example.org/docs/page").unwrap()).unwrap()
    }

    #[test]
    fn a_page_becomes_markdown() {
        let html = r#"<!DOCTYPE html><html><head><title> A
            page </title><style>p { color: red }</style></head><body>
            <script>alert("never shown")</script>
            <h2>Part &amp; parcel</h2>
            <p>One <b>bold</b> word, a <a href="../x?y=1">link</a>,<br>and <code>code</code>.</p>
            <ul><li>first<li>second<ul><li>inner</ul></ul>
            <ol start="3"><li>three<li>four</ol>
            <pre><code class="language-rust">fn main() {
    println!("hi");
}</code></pre>
            <table><tr><th>a<th>b<tr><td>1<td>2</table>
            <noscript>shown without scripts</noscript>
            <!-- a comment --></body></html>"#;
        insta::assert_snapshot!(markdown(html));
    }

    #[test]
    fn links_are_absolute_and_images_carry_no_data() {
        for (html, expected) in [
            ("<a href='/a'>x</a>", "[x](https://example.org/a)"),
            ("<a href='//other.net/a'>x</a>", "[x](https://other.net/a)"),
            ("<a href='#part'>x</a>", "[x](https://example.org/docs/page#part)"),
            ("<a href='javascript:alert(1)'>x</a>", "x"),
            ("<a name='n'>x</a>", "x"),
            ("<img alt='chart' src='data:image/png;base64,AAAA'>", ""),
            ("<img alt='chart' src='/c.png'>", "![chart](/c.png)"),
        ] {
            assert_eq!(markdown(html), expected, "{html}");
        }
    }

    #[test]
    fn a_title_that_the_page_repeats_is_not_doubled() {
        assert_eq!(markdown("<title>T</title><h1>T</h1><p>x"), "# T\n\nx");
        assert_eq!(markdown("<title>T</title><p>x"), "# T\n\nx");
        assert_eq!(markdown(""), "");
    }

    #[test]
    fn a_page_of_bottomless_depth_is_plain_text() {
        let deep = format!("<title>t</title>{}<p>bottom</p>", "<div>".repeat(3_000));
        assert_eq!(markdown(&deep), "# t\n\nbottom");
        let fits = format!("{}<b>bottom</b>", "<div>".repeat(DEPTH_MAX - 10));
        assert_eq!(markdown(&fits), "**bottom**");
    }

    #[test]
    fn the_deepest_page_that_is_converted_fits_the_stack_of_a_worker_thread() {
        for open in [
            "<div>",
            "<ul><li>",
            "<ol><li>",
            "<dl><dd>",
            "<blockquote>",
            "<table><tr><td>",
            "<span>",
            "<b><i>",
            "<a href=x><em>",
            "<code>",
            "<pre>",
            "<details>",
            "<section>",
            "<del><sup>",
        ] {
            // The parser adds a table body; the document, its root, its body and the text count too.
            let levels = open.matches('<').count() + usize::from(open.starts_with("<table"));
            let html = open.repeat((DEPTH_MAX - 4) / levels) + "x";
            let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || markdown(&html));
            assert!(thread.unwrap().join().unwrap().contains('x'), "{open}");
        }
    }

    #[test]
    fn a_page_made_to_be_slow_ends_in_time() {
        let html = "<p><b><i>".repeat(400_000);
        let started = Instant::now();
        let _ = to_markdown(&html, &Url::parse("https://example.org").unwrap());
        assert!(started.elapsed() < PARSE_TIME_MAX * 3, "{:?}", started.elapsed());
    }
}
