use super::*;

fn axis(label: &str, scale: Scale) -> Axis {
    Axis { label: label.to_owned(), scale }
}

fn curves() -> Chart {
    let curve = |top: f64| {
        (0..=40).map(f64::from).map(move |n| (10f64.powf(n / 20.0), top * n / (n + 8.0)))
    };
    Chart::Lines(Lines {
        title: "hit ratio by memory".to_owned(),
        x: axis("memory, MB", Scale::Logarithmic),
        y: axis("hit ratio", Scale::Linear),
        curves: vec![
            ("node".to_owned(), curve(1.0).collect()),
            ("LRU <&>".to_owned(), curve(0.7).collect()),
        ],
    })
}

fn bars(count: usize) -> Chart {
    let bar = |n: usize| (format!("node-{n}"), 1.0 + (n % 3) as f64 / 10.0);
    Chart::Bars(Bars {
        title: "load".to_owned(),
        label: "load over the mean".to_owned(),
        bars: (0..count).map(bar).collect(),
        mark: Some(("mean".to_owned(), 1.1)),
    })
}

fn bands() -> Chart {
    let row = |n: u32, stretches: &[(u32, u32)]| (format!("node-{n}"), stretches.to_vec());
    Chart::Bands(Bands {
        title: "who owns which slots".to_owned(),
        end: 16_384,
        rows: vec![
            row(1, &[(0, 5460)]),
            row(2, &[(5461, 10_922)]),
            row(3, &[(10_923, 16_000), (16_200, 16_383)]),
        ],
    })
}

fn nothing() -> [Chart; 3] {
    [
        Chart::Lines(Lines {
            title: String::new(),
            x: axis("", Scale::Logarithmic),
            y: axis("", Scale::Linear),
            curves: vec![
                (String::new(), Vec::new()),
                ("n".to_owned(), vec![(f64::NAN, 1.0), (-1.0, f64::INFINITY)]),
            ],
        }),
        Chart::Bars(Bars {
            title: String::new(),
            label: String::new(),
            bars: vec![("none".to_owned(), f64::NAN), ("zero".to_owned(), 0.0)],
            mark: None,
        }),
        Chart::Bands(Bands {
            title: String::new(),
            end: 0,
            rows: vec![(String::new(), vec![(0, u32::MAX)])],
        }),
    ]
}

#[test]
fn curves_rise_from_left_to_right_and_are_named_at_their_ends() {
    let drawn = terminal(&curves(), 80);
    assert!(drawn.iter().all(|line| line.chars().count() <= 80));
    let is_drawn = |letter: char| ('\u{2801}'..='\u{28ff}').contains(&letter);
    let columns_of = |line: &String| -> Vec<usize> {
        line.chars().enumerate().filter(|(_, c)| is_drawn(*c)).map(|(at, _)| at).collect()
    };
    let rows: Vec<Vec<usize>> =
        drawn.iter().map(columns_of).filter(|row| !row.is_empty()).collect();
    assert!(rows.len() > 8, "{} rows", rows.len());
    assert!(rows[0][0] > rows[rows.len() - 1][0] + 20, "{rows:?}");
    assert!(drawn.iter().any(|line| line.ends_with("node")));
    assert!(drawn.iter().any(|line| line.ends_with("LRU <&>")));
    assert!(drawn.iter().any(|line| line.contains("memory, MB")));
}

#[test]
fn bars_are_as_long_as_what_they_measure() {
    let drawn = terminal(&bars(3), 60);

    let len =
        |row: usize| drawn[row].chars().filter(|letter| *letter == '█' || *letter == '┃').count();
    assert!(len(3) > len(2) && len(2) > len(1), "{drawn:#?}");
    assert!(drawn[1].ends_with("1.000") && drawn[3].ends_with("1.200"), "{drawn:#?}");
    assert!(drawn[4].ends_with("mean 1.100"), "{drawn:#?}");
}

#[test]
fn bands_show_who_owns_what() {
    let drawn = terminal(&bands(), 58);

    assert_eq!(drawn.len(), 5);
    for row in &drawn[1..=3] {
        let owned = row.chars().filter(|letter| "░▒▓█".contains(*letter)).count();
        assert!((16..=18).contains(&owned), "{row}");
    }
    assert!(drawn[4].ends_with("16,383"));
}

#[test]
fn many_rows_are_counted_rather_than_shown() {
    let drawn = terminal(&bars(2000), 60);
    assert!(drawn.len() < 50, "{} lines", drawn.len());
    assert!(drawn.iter().any(|line| line.contains("1,960 more")));
}

#[test]
fn svg_has_texts_as_text_and_everything_escaped() {
    for chart in [curves(), bars(3), bars(2000), bands()] {
        let drawn = svg(&chart).unwrap();
        assert!(drawn.starts_with("<svg") && drawn.trim_end().ends_with("</svg>"), "{drawn}");
        assert!(drawn.contains("<text"), "{drawn}");
        assert!(!drawn.contains("LRU <&>") && !drawn.contains("NaN"), "{drawn}");
        assert_eq!(drawn, svg(&chart).unwrap(), "drawing has no chance in it");
    }
    assert!(svg(&curves()).unwrap().contains("LRU &lt;&amp;&gt;"));
    assert!(svg(&bands()).unwrap().matches("<rect").count() > 7);
}

#[test]
fn nothing_can_be_drawn_too() {
    for chart in nothing() {
        for width in [0, 1, 20, 300] {
            assert!(!terminal(&chart, width).join("").contains("NaN"));
        }
        assert!(!svg(&chart).unwrap().contains("NaN"));
    }
}
