//! Charts in the characters of a terminal: curves in Braille dots, bars and stretches in blocks.
//!
//! No colours: what is drawn reads the same in a terminal, a file and a mail.

use super::axis::Fitted;
use super::{Bands, Bars, Chart, Lines, ROWS_SHOWN};
use crate::quantity::{decimals, grouped};

/// Rows of curves.
const HEIGHT: usize = 14;
/// Steps between the marks of the vertical axis, at most.
const Y_MARKS: usize = 5;
/// Characters of a label; longer ones are cut.
const LABEL_MAX: usize = 24;
/// The least that is left for drawing, however narrow the terminal.
const DRAWING_MIN: usize = 16;
/// Columns for each mark of a horizontal axis.
const COLUMNS_PER_MARK: usize = 12;

pub(super) fn draw(chart: &Chart, width: usize) -> Vec<String> {
    match chart {
        Chart::Lines(lines) => self::lines(lines, width),
        Chart::Bars(bars) => self::bars(bars, width),
        Chart::Bands(bands) => self::bands(bands, width),
    }
}

fn cut(label: &str) -> String {
    match label.chars().count() > LABEL_MAX {
        true => label.chars().take(LABEL_MAX - 1).chain(['…']).collect(),
        false => label.to_owned(),
    }
}

fn widest<'a>(labels: impl Iterator<Item = &'a str>) -> usize {
    labels.map(|label| cut(label).chars().count()).max().unwrap_or(0)
}

/// Dots, two wide and four high in a character (Unicode's Braille patterns).
struct Canvas {
    width: usize,
    height: usize,
    cells: Vec<u8>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Canvas {
        Canvas { width, height, cells: vec![0; width * height] }
    }

    fn dot(&mut self, x: usize, y: usize) {
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        if x < self.width * 2 && y < self.height * 4 {
            self.cells[y / 4 * self.width + x / 2] |= BITS[x % 2][y % 4];
        }
    }

    /// Draws from point to point; places run from 0 to 1, upwards and to the right.
    fn curve(&mut self, points: &[(f64, f64)]) {
        let (right, bottom) = ((self.width * 2 - 1) as f64, (self.height * 4 - 1) as f64);
        let dots = points.iter().map(|&(x, y)| (x * right, (1.0 - y) * bottom));
        let mut last: Option<(f64, f64)> = None;
        for (x, y) in dots {
            let (from_x, from_y) = last.unwrap_or((x, y));
            let steps = (x - from_x).abs().max((y - from_y).abs()).ceil().max(1.0) as usize;
            for step in 0..=steps {
                let part = step as f64 / steps as f64;
                let (x, y) = (from_x + (x - from_x) * part, from_y + (y - from_y) * part);
                self.dot(x.round() as usize, y.round() as usize);
            }
            last = Some((x, y));
        }
    }

    fn row(&self, row: usize) -> String {
        let cells = self.cells[row * self.width..][..self.width].iter();
        let letter = |&cell: &u8| match cell {
            0 => ' ',
            dots => char::from_u32(0x2800 + u32::from(dots)).unwrap_or('?'),
        };
        cells.map(letter).collect()
    }
}

fn lines(lines: &Lines, width: usize) -> Vec<String> {
    let points = || lines.curves.iter().flat_map(|(_, points)| points.iter());
    let y = Fitted::new(&lines.y, points().map(|point| point.1), Y_MARKS);
    let margin = widest(y.marks.iter().map(|(_, text)| text.as_str()));
    let is_named = lines.curves.len() > 1;
    let names = if is_named { widest(lines.curves.iter().map(|curve| &*curve.0)) + 1 } else { 0 };
    let columns = width.saturating_sub(margin + 2 + names).max(DRAWING_MIN);
    let x = Fitted::new(&lines.x, points().map(|point| point.0), columns / COLUMNS_PER_MARK);
    let mut canvas = Canvas::new(columns, HEIGHT);
    let mut ends = vec![String::new(); HEIGHT];
    for (name, points) in &lines.curves {
        let placed = points.iter().filter_map(|&(h, v)| Some((x.place(h)?, y.place(v)?)));
        let placed: Vec<(f64, f64)> = placed.collect();
        canvas.curve(&placed);
        if let (true, Some(&(_, end))) = (is_named, placed.last()) {
            // A name stands where its curve ends, or in the next free row.
            let wanted = row_of(end);
            let mut rows: Vec<usize> = (0..HEIGHT).filter(|&row| ends[row].is_empty()).collect();
            rows.sort_by_key(|&row| row.abs_diff(wanted));
            if let Some(&row) = rows.first() {
                ends[row] = cut(name);
            }
        }
    }
    let mut labels = vec![String::new(); HEIGHT];
    for (place, text) in y.placed_marks() {
        labels[row_of(place)] = text.to_owned();
    }
    let mut drawn = vec![lines.title.clone(), lines.y.label.clone()];
    drawn.extend((0..HEIGHT).map(|row| {
        let tick = if labels[row].is_empty() { '│' } else { '┤' };
        format!("{:>margin$} {tick}{} {}", labels[row], canvas.row(row), ends[row])
    }));
    let (rule, texts) = horizontal(&x, columns);
    drawn.push(format!("{:margin$} └{rule}", ""));
    drawn.push(format!("{:margin$}  {texts}", ""));
    drawn.push(format!("{:margin$}  {:^columns$}", "", lines.x.label));
    drawn.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

fn row_of(place: f64) -> usize {
    ((1.0 - place) * (HEIGHT - 1) as f64).round() as usize
}

/// The rule of a horizontal axis with its marks, and their texts below; a text that would touch
/// another is left out.
fn horizontal(axis: &Fitted, columns: usize) -> (String, String) {
    let mut rule = vec!['─'; columns];
    let mut texts = vec![' '; columns];
    let mut free_from = 0;
    for (place, text) in axis.placed_marks() {
        let column = (place * (columns - 1) as f64).round() as usize;
        rule[column] = '┬';
        let len = text.chars().count();
        let begin = column.saturating_sub(len / 2).min(columns.saturating_sub(len));
        if begin >= free_from && len <= columns {
            texts[begin..begin + len].iter_mut().zip(text.chars()).for_each(|(to, c)| *to = c);
            free_from = begin + len + 1;
        }
    }
    (rule.into_iter().collect(), texts.into_iter().collect())
}

fn bars(bars: &Bars, width: usize) -> Vec<String> {
    let shown = &bars.bars[..bars.bars.len().min(ROWS_SHOWN)];
    let margin = widest(shown.iter().map(|(label, _)| label.as_str()));
    let lengths = bars.bars.iter().map(|(_, length)| *length);
    let lengths = lengths.chain(bars.mark.iter().map(|(_, at)| *at));
    let longest = lengths.filter(|length| length.is_finite()).fold(0.0, f64::max);
    let digits = if longest < 10.0 { 3 } else { 0 };
    let number = |length: f64| decimals(length, digits);
    let numbers = widest(
        shown.iter().map(|bar| number(bar.1)).collect::<Vec<_>>().iter().map(|text| text.as_str()),
    );
    let columns = width.saturating_sub(margin + numbers + 4).max(DRAWING_MIN);
    let part = |length: f64| if longest > 0.0 { (length / longest).clamp(0.0, 1.0) } else { 0.0 };
    let mark = bars.mark.as_ref().map(|(_, at)| (part(*at) * (columns - 1) as f64) as usize);
    let mut drawn = vec![bars.title.clone()];
    for (label, length) in shown {
        let mut cells = blocks(part(*length), columns);
        if let Some(cell) = mark.and_then(|at| cells.get_mut(at)) {
            *cell = if *cell == '█' { '┃' } else { '│' };
        }
        let cells: String = cells.into_iter().collect();
        let label = cut(label);
        drawn.push(format!("{label:<margin$} {cells} {:>numbers$}", number(*length)));
    }
    drawn.extend(left_out(bars.bars.len()));
    let mut legend = bars.label.clone();
    if let Some((name, at)) = &bars.mark {
        legend += &format!("; │ {name} {}", number(*at));
    }
    drawn.push(format!("{:margin$} {legend}", ""));
    drawn
}

/// A bar in eighths of a character.
fn blocks(part: f64, columns: usize) -> Vec<char> {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = if part.is_finite() { (part * (columns * 8) as f64).round() as usize } else { 0 };
    let mut cells = vec!['█'; (eighths / 8).min(columns)];
    if cells.len() < columns {
        cells.push(EIGHTHS[eighths % 8]);
    }
    cells.resize(columns, ' ');
    cells
}

fn bands(bands: &Bands, width: usize) -> Vec<String> {
    let shown = &bands.rows[..bands.rows.len().min(ROWS_SHOWN)];
    let margin = widest(shown.iter().map(|(label, _)| label.as_str()));
    let columns = width.saturating_sub(margin + 2).max(DRAWING_MIN);
    let mut drawn = vec![bands.title.clone()];
    for (label, stretches) in shown {
        let cells: String =
            (0..columns).map(|at| shade(bands.end, stretches, at, columns)).collect();
        drawn.push(format!("{:<margin$} {cells}", cut(label)));
    }
    drawn.extend(left_out(bands.rows.len()));
    let end = grouped(bands.end.saturating_sub(1).into());
    let columns = columns - 1;
    drawn.push(format!("{:margin$} 0{end:>columns$}", ""));
    drawn
}

/// How much of what a character stands for belongs to the row.
fn shade(end: u32, stretches: &[(u32, u32)], column: usize, columns: usize) -> char {
    let bound = |column: usize| f64::from(end) * column as f64 / columns as f64;
    let (from, to) = (bound(column), bound(column + 1));
    let overlap = |&(first, last): &(u32, u32)| {
        ((f64::from(last) + 1.0).min(to) - f64::from(first).max(from)).max(0.0)
    };
    let share = stretches.iter().map(overlap).sum::<f64>() / (to - from).max(f64::MIN_POSITIVE);
    match share {
        share if share > 0.875 => '█',
        share if share > 0.625 => '▓',
        share if share > 0.375 => '▒',
        share if share > 1e-9 => '░',
        _ => '·',
    }
}

fn left_out(rows: usize) -> Option<String> {
    let more = rows.checked_sub(ROWS_SHOWN).filter(|&more| more > 0)?;
    Some(format!("... {} more; --out FILE.svg draws them too", grouped(more as u64)))
}
