use codex_task_config::*;
use std::path::Path;
fn main() {
    let src = Path::new("/work/shared/data/agents-in-the-wild");
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".claude/agents");
    let mut files = vec![];
    fn walk(d: &Path, out: &mut Vec<std::path::PathBuf>) {
        for e in std::fs::read_dir(d).unwrap() {
            let p = e.unwrap().path();
            if p.is_dir() {
                walk(&p, out)
            } else if p.extension().is_some_and(|e| e == "md") {
                out.push(p)
            }
        }
    }
    walk(src, &mut files);
    let mut n = 0;
    for round in 0..7 {
        for f in &files {
            if n == 1000 {
                break;
            }
            let text = std::fs::read_to_string(f).unwrap().replacen("name: ", &format!("name: r{round}-"), 1);
            let d = dir.join(format!("d{}", n % 20));
            std::fs::create_dir_all(&d).unwrap();
            std::fs::write(d.join(format!("f{n}.md")), text).unwrap();
            n += 1;
        }
    }
    let env = Environment::new(home.path().join("x"), [("HOME", home.path().to_string_lossy())]);
    for _ in 0..6 {
        let t = std::time::Instant::now();
        let r = AgentRegistry::load(&env, &AgentSources::default());
        println!("{} agents in {:?}", r.agents().count(), t.elapsed());
    }
    let t = std::time::Instant::now();
    let r = AgentReport::read(&files[0]);
    println!("one: {:?} {}", t.elapsed(), r.name);
    let t = std::time::Instant::now();
    for f in files.iter().cycle().take(1000) {
        std::hint::black_box(AgentReport::read(f));
    }
    println!("1000 reports serial: {:?}", t.elapsed());
    let texts: Vec<String> = files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect();
    let t = std::time::Instant::now();
    for f in texts.iter().cycle().take(100000) {
        std::hint::black_box(AgentReport::of_text(f, None));
    }
    println!("1000 judge only: {:?}", t.elapsed());
    let t = std::time::Instant::now();
    for f in files.iter().cycle().take(1000) {
        std::hint::black_box(std::fs::read_to_string(f).unwrap());
    }
    println!("1000 read only: {:?}", t.elapsed());
}
