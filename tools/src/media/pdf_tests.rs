use super::*;
use crate::media::testing::pdf;

fn texts(content: &[u8]) -> Vec<String> {
    let document = Document::load_mem(content).unwrap();
    let text = |page| String::from_utf8(document.get_page_content(page)).unwrap();
    let texts = document.page_iter().map(text);
    texts.map(|text| text.split(['(', ')']).nth(1).unwrap_or_default().to_owned()).collect()
}

#[test]
fn some_pages_make_a_smaller_document_with_what_they_need() {
    let whole = pdf(50);
    let opened = Pdf::open(&whole).unwrap();
    assert_eq!(opened.total(), 50);
    let some = opened.only(&(3..=4)).unwrap();
    assert_eq!(texts(&some), ["page 3", "page 4"]);
    assert!(some.len() < whole.len() / 10, "{} of {} bytes", some.len(), whole.len());
    let document = Document::load_mem(&some).unwrap();
    for page in document.page_iter() {
        let page = document.get_dictionary(page).unwrap();
        assert_eq!(page.get(b"MediaBox").unwrap().as_array().unwrap().len(), 4);
        assert_eq!(page.get(b"Annots").unwrap().as_array().unwrap().len(), 1);
    }
}

#[test]
fn what_is_no_whole_document_is_refused() {
    let whole = pdf(2);
    for content in [&b"%PDF-1.7 text"[..], b"", &whole[..whole.len() / 3]] {
        let fault = Pdf::open(content).err();
        assert!(matches!(fault, Some(PdfFault::Broken(_))), "{fault:?}");
    }
}

#[test]
fn nesting_without_end_is_an_error_and_no_overflow() {
    let deep = format!("1 0 obj\n{}{}\nendobj\n", "[".repeat(200_000), "]".repeat(200_000));
    let file = format!("%PDF-1.4\n{deep}trailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF");
    assert!(Pdf::open(file.as_bytes()).is_err());
}
