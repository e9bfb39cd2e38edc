//! Charts as SVG, by plotters. Texts stay text, in whatever sans-serif font the reader has, so
//! that none is needed here.

use plotters::coord::Shift;
use plotters::coord::combinators::BindKeyPoints;
use plotters::prelude::{
    ChartBuilder, Color, DrawingArea, IntoDrawingArea, IntoFont, LineSeries, PathElement,
    Rectangle, SVGBackend, SeriesLabelPosition, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{BLACK, RGBColor, TextStyle, WHITE};

use super::axis::Fitted;
use super::{Bands, Bars, Chart, Lines};
use crate::error::{PlanError, Result};
use crate::quantity::{decimals, grouped};

/// Colours that people who confuse red and green can tell apart (Okabe and Ito, "Color Universal
/// Design", 2008).
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];
const PALE: RGBColor = RGBColor(236, 236, 232);
const WIDTH: u32 = 860;
const LINES_HEIGHT: u32 = 480;
const FONT_PIXELS: i32 = 14;
const TITLE_PIXELS: i32 = 17;
/// What stands above the rows, and below them.
const HEAD_PIXELS: i32 = 36;
const FOOT_PIXELS: i32 = 26;
/// Height of a row when there are few; many rows share [`ROWS_PIXELS`], at least two pixels each.
const ROW_PIXELS: i32 = 22;
const ROWS_PIXELS: i32 = 2400;
/// Rows lower than this have no label of their own.
const LABELLED_PIXELS: i32 = 12;
const LABEL_PIXELS: i32 = 150;
const NUMBER_PIXELS: i32 = 70;
const MARKS: usize = 6;
/// Steps of the axes of curves, fine enough to be invisible.
const END: i32 = 100_000;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(super) fn draw(chart: &Chart) -> Result<String> {
    let height = match chart {
        Chart::Lines(_) => LINES_HEIGHT,
        Chart::Bars(bars) => rows_height(bars.bars.len()),
        Chart::Bands(bands) => rows_height(bands.rows.len()),
    };
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE).map_err(refused)?;
        match chart {
            Chart::Lines(lines) => self::lines(&area, lines)?,
            Chart::Bars(bars) => self::bars(&area, bars)?,
            Chart::Bands(bands) => self::bands(&area, bands)?,
        }
        area.present().map_err(refused)?;
    }
    Ok(text)
}

fn refused(error: impl std::fmt::Display) -> PlanError {
    PlanError::source("drawing a chart", error)
}

fn style(pixels: i32) -> TextStyle<'static> {
    ("sans-serif", pixels).into_font().color(&BLACK)
}

fn write(area: &Area<'_>, text: &str, at: (i32, i32), pixels: i32, side: HPos) -> Result<()> {
    let style = style(pixels).pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style)).map_err(refused)
}

fn lines(area: &Area<'_>, lines: &Lines) -> Result<()> {
    let points = || lines.curves.iter().flat_map(|(_, points)| points.iter());
    let x = Fitted::new(&lines.x, points().map(|point| point.0), MARKS + 2);
    let y = Fitted::new(&lines.y, points().map(|point| point.1), MARKS);
    // Both axes run from 0 to END; only their marks know what they mean.
    let whole = |place: f64| (place * f64::from(END)).round() as i32;
    let places = |axis: &Fitted| -> Vec<i32> {
        axis.placed_marks().iter().map(|mark| whole(mark.0)).collect()
    };
    let mut chart = ChartBuilder::on(area)
        .caption(&lines.title, style(TITLE_PIXELS))
        .margin(12)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (0..END).with_key_points(places(&x)),
            (0..END).with_key_points(places(&y)),
        )
        .map_err(refused)?;
    let text_at = |axis: &Fitted, place: i32| {
        let marks = axis.placed_marks();
        let near = marks.iter().find(|(at, _)| whole(*at) == place);
        near.map_or(String::new(), |(_, text)| (*text).to_owned())
    };
    chart
        .configure_mesh()
        .x_desc(&lines.x.label)
        .y_desc(&lines.y.label)
        .label_style(style(FONT_PIXELS))
        .bold_line_style(PALE)
        .x_label_formatter(&|place| text_at(&x, *place))
        .y_label_formatter(&|place| text_at(&y, *place))
        .draw()
        .map_err(refused)?;
    for ((name, points), colour) in lines.curves.iter().zip(COLOURS.into_iter().cycle()) {
        let placed =
            points.iter().filter_map(|&(h, v)| Some((whole(x.place(h)?), whole(y.place(v)?))));
        let stroke = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(placed, stroke))
            .map_err(refused)?
            .label(name.as_str())
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], stroke));
    }
    if lines.curves.len() > 1 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE.mix(0.8))
            .border_style(PALE)
            .label_font(style(FONT_PIXELS))
            .draw()
            .map_err(refused)?;
    }
    Ok(())
}

fn row_pixels(rows: usize) -> i32 {
    (ROWS_PIXELS / rows.clamp(1, ROWS_PIXELS as usize) as i32).clamp(2, ROW_PIXELS)
}

fn rows_height(rows: usize) -> u32 {
    let rows_pixels = row_pixels(rows).saturating_mul(rows.min(1 << 14) as i32);
    (HEAD_PIXELS + rows_pixels + FOOT_PIXELS) as u32
}

/// Title and labels of a chart of rows; calls `row` with the vertical range of each.
fn rows<'l>(
    area: &Area<'_>,
    title: &str,
    labels: impl ExactSizeIterator<Item = &'l str>,
    mut row: impl FnMut(usize, (i32, i32)) -> Result<()>,
) -> Result<i32> {
    write(area, title, (12, HEAD_PIXELS / 2), TITLE_PIXELS, HPos::Left)?;
    let pixels = row_pixels(labels.len());
    let mut top = HEAD_PIXELS;
    for (number, label) in labels.enumerate() {
        if pixels >= LABELLED_PIXELS {
            let at = (LABEL_PIXELS - 8, top + pixels / 2);
            write(area, label, at, FONT_PIXELS.min(pixels - 2), HPos::Right)?;
        }
        let gap = if pixels >= LABELLED_PIXELS { 2 } else { 0 };
        row(number, (top + gap, top + pixels - gap))?;
        top += pixels;
    }
    Ok(top)
}

fn rectangle(area: &Area<'_>, (x, y): ((i32, i32), (i32, i32)), colour: RGBColor) -> Result<()> {
    area.draw(&Rectangle::new([(x.0, y.0), (x.1, y.1)], colour.filled())).map_err(refused)
}

fn bars(area: &Area<'_>, bars: &Bars) -> Result<()> {
    let lengths = bars.bars.iter().map(|bar| bar.1).chain(bars.mark.iter().map(|mark| mark.1));
    let longest = lengths.filter(|length| length.is_finite()).fold(0.0, f64::max);
    let digits = if longest < 10.0 { 3 } else { 0 };
    let right = WIDTH as i32 - NUMBER_PIXELS;
    let x = |length: f64| {
        let part = if longest > 0.0 { (length / longest).clamp(0.0, 1.0) } else { 0.0 };
        LABEL_PIXELS + (part * f64::from(right - LABEL_PIXELS)).round() as i32
    };
    let labels = bars.bars.iter().map(|(label, _)| label.as_str());
    let bottom = rows(area, &bars.title, labels, |number, y| {
        let length = bars.bars[number].1;
        rectangle(area, ((LABEL_PIXELS, x(length)), y), COLOURS[0])?;
        if y.1 - y.0 < LABELLED_PIXELS - 4 {
            return Ok(());
        }
        let at = (x(length) + 6, i32::midpoint(y.0, y.1));
        write(area, &decimals(length, digits), at, FONT_PIXELS, HPos::Left)
    })?;
    let mut legend = bars.label.clone();
    if let Some((name, at)) = &bars.mark {
        let at_x = x(*at);
        let path = vec![(at_x, HEAD_PIXELS - 4), (at_x, bottom + 4)];
        area.draw(&PathElement::new(path, COLOURS[1].stroke_width(2))).map_err(refused)?;
        legend += &format!("; line: {name} {}", decimals(*at, digits));
    }
    write(area, &legend, (LABEL_PIXELS, bottom + FOOT_PIXELS / 2), FONT_PIXELS, HPos::Left)
}

fn bands(area: &Area<'_>, bands: &Bands) -> Result<()> {
    let right = WIDTH as i32 - 16;
    let x = |at: u32| {
        let part = f64::from(at) / f64::from(bands.end.max(1));
        LABEL_PIXELS + (part.min(1.0) * f64::from(right - LABEL_PIXELS)).round() as i32
    };
    let labels = bands.rows.iter().map(|(label, _)| label.as_str());
    let bottom = rows(area, &bands.title, labels, |number, y| {
        rectangle(area, ((LABEL_PIXELS, right), y), PALE)?;
        let colour = COLOURS[number % COLOURS.len()];
        // Stretches too small to tell apart are drawn as one.
        let mut drawn_to = LABEL_PIXELS;
        for &(first, last) in &bands.rows[number].1 {
            let (from, to) = (x(first), x(last.saturating_add(1)).max(x(first) + 1));
            if to > drawn_to {
                rectangle(area, ((from.max(drawn_to), to), y), colour)?;
                drawn_to = to;
            }
        }
        Ok(())
    })?;
    let y = bottom + FOOT_PIXELS / 2;
    write(area, "0", (LABEL_PIXELS, y), FONT_PIXELS, HPos::Left)?;
    let end = grouped(bands.end.saturating_sub(1).into());
    write(area, &end, (right, y), FONT_PIXELS, HPos::Right)
}
