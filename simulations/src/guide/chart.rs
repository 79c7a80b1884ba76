//! Charts as SVG: panels of lines above one axis, in colours that are light or dark as their reader's page is.

use std::fmt::Write;

/// A chart: panels below each other, with one axis for all of them.
pub(super) struct Chart {
    pub(super) across: Axis,
    pub(super) panels: Vec<Panel>,
}

/// One panel: a quantity, and its lines.
pub(super) struct Panel {
    pub(super) up: Axis,
    /// The part in which something is wrong, and its name.
    pub(super) band: Option<(f64, f64, &'static str)>,
    pub(super) lines: Vec<Line>,
}

/// A quantity with its unit, and its range.
pub(super) struct Axis {
    title: &'static str,
    from: f64,
    to: f64,
    scale: fn(f64) -> f64,
    ticks: Vec<(f64, String)>,
}

/// A line and its label, which stands at a point of the panel.
pub(super) struct Line {
    tone: Tone,
    points: Vec<(f64, f64)>,
    label: (&'static str, f64, f64),
}

/// The colour of a line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tone {
    /// The policy of the page is there.
    With,
    /// It is missing.
    Without,
    /// Something to compare with.
    Beside,
}

impl Axis {
    /// Returns an axis from 0 with a tick at each `step`.
    pub(super) fn even(title: &'static str, to: f64, step: f64) -> Self {
        let ticks = (0..=(to / step).round() as u32).map(|tick| f64::from(tick) * step).map(|at| (at, number(at)));
        Self { title, from: 0.0, to, scale: |value| value, ticks: ticks.collect() }
    }

    /// Returns an axis on which equal ratios are equally long, from the first tick to the last.
    pub(super) fn ratios(title: &'static str, ticks: &[f64]) -> Self {
        let (from, to) = (ticks[0], ticks[ticks.len() - 1]);
        let ticks = ticks.iter().map(|&at| (at, number(at))).collect();
        Self { title, from, to, scale: f64::ln, ticks }
    }

    /// Returns an axis of shares, on which the distance from 50 % to 90 % is about that from 90 % to 99 %.
    pub(super) fn nines(title: &'static str) -> Self {
        let ticks = [0.5, 0.9, 0.99, 0.999].map(|share| (share, format!("{} %", number(share * 100.0))));
        Self { title, from: 0.5, to: 0.999, scale: |share| -(1.0 - share).ln(), ticks: ticks.to_vec() }
    }

    /// Returns the same axis with a unit behind each tick but zero.
    pub(super) fn unit(mut self, unit: &str) -> Self {
        self.ticks.iter_mut().filter(|(at, _)| *at != 0.0).for_each(|(_, text)| text.push_str(unit));
        self
    }

    /// Returns the place of a value, from 0 at the beginning to 1 at the end. A value outside is moved to the nearer end.
    fn place(&self, value: f64) -> f64 {
        let (from, to) = ((self.scale)(self.from), (self.scale)(self.to));
        (((self.scale)(value.clamp(self.from, self.to)) - from) / (to - from)).clamp(0.0, 1.0)
    }
}

impl Line {
    /// Returns a line through points, with a label whose middle is at a point of the panel.
    pub(super) fn new(tone: Tone, points: Vec<(f64, f64)>, label: (&'static str, f64, f64)) -> Self {
        Self { tone, points, label }
    }
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::With => "a",
            Self::Without => "b",
            Self::Beside => "c",
        }
    }
}

impl Chart {
    /// Draws the chart. `alt` says in words what it shows.
    pub(super) fn draw(&self, alt: &str) -> String {
        let height = TOP + (PANEL + GAP) * self.panels.len() as f64 + BOTTOM - GAP;
        let mut svg = Svg::new(height, alt);
        let x = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * self.across.place(value);
        for (number, panel) in self.panels.iter().enumerate() {
            let top = TOP + (PANEL + GAP) * number as f64;
            let y = |value: f64| top + PANEL * (1.0 - panel.up.place(value));
            if let Some((from, to, name)) = panel.band {
                svg.rectangle("f", x(from), top, x(to) - x(from), PANEL);
                svg.rectangle("f", WIDTH - RIGHT - 12.0, top - 18.0, 12.0, 12.0);
                svg.text("n e", WIDTH - RIGHT - 18.0, top - 8.0, name);
            }
            for (at, text) in &panel.up.ticks {
                svg.line("g", (LEFT, y(*at)), (WIDTH - RIGHT, y(*at)));
                svg.text("e", LEFT - 8.0, y(*at) + 4.0, text);
            }
            svg.text("h", LEFT, top - 8.0, panel.up.title);
            for line in &panel.lines {
                svg.path(line.tone.class(), line.points.iter().map(|&(across, up)| (x(across), y(up))));
            }
            for line in &panel.lines {
                let (label, across, up) = line.label;
                svg.text(&format!("m {}", line.tone.class()), x(across), y(up) + 4.0, label);
            }
        }
        let base = height - BOTTOM;
        svg.line("x", (LEFT, base), (WIDTH - RIGHT, base));
        for (at, text) in &self.across.ticks {
            svg.line("x", (x(*at), base), (x(*at), base + 4.0));
            svg.text("m", x(*at), base + 18.0, text);
        }
        svg.text("e", WIDTH - RIGHT, base + 36.0, self.across.title);
        svg.end()
    }
}

/// A picture under way.
pub(super) struct Svg(String);

impl Svg {
    /// Returns an empty sheet of that height. `alt` says in words what it shows.
    pub(super) fn new(height: f64, alt: &str) -> Self {
        Self(format!(
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' role='img' \
             aria-label='{alt}'>\n<style>{STYLE}</style>\n<rect class='p' width='{WIDTH}' height='{height}' rx='6'/>\n"
        ))
    }

    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let (x, y) = (point(x), point(y));
        self.push(&format!("<text class='{class}' x='{x}' y='{y}'>{text}</text>"));
    }

    pub(super) fn rectangle(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let [x, y, width, height] = [x, y, width, height].map(point);
        self.push(&format!("<rect class='{class}' x='{x}' y='{y}' width='{width}' height='{height}'/>"));
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.path(class, [from, to]);
    }

    pub(super) fn path(&mut self, class: &str, corners: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (number, (x, y)) in corners.into_iter().enumerate() {
            let letter = if number == 0 { 'M' } else { 'L' };
            write!(path, "{letter}{},{}", point(x), point(y)).expect("a string takes everything");
        }
        self.push(&format!("<path class='{class}' d='{path}'/>"));
    }

    /// Returns the picture.
    pub(super) fn end(mut self) -> String {
        self.push("</svg>");
        self.0
    }

    fn push(&mut self, element: &str) {
        self.0.push_str(element);
        self.0.push('\n');
    }
}

/// Writes a number without a fraction that is zero, and with commas between thousands.
pub(super) fn number(value: f64) -> String {
    if value.fract() != 0.0 {
        return format!("{value:.2}").trim_end_matches('0').to_owned();
    }
    let digits = format!("{value:.0}");
    let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
    if head.is_empty() { digits } else { format!("{head},{tail}") }
}

/// Writes a coordinate to a tenth of a pixel.
fn point(value: f64) -> String {
    format!("{value:.1}").trim_end_matches(".0").to_owned()
}

/// Returns a picture as a `data:` address, in which a page of rustdoc can hold it.
pub(super) fn address(svg: &str) -> String {
    let mut address = String::from("data:image/svg+xml,");
    for byte in svg.bytes().filter(|byte| *byte != b'\n') {
        match byte {
            b' ' | b'<' | b'>' | b'#' | b'%' | b'"' | b'(' | b')' | b'\\' | 0x80.. => {
                write!(address, "%{byte:02X}").expect("a string takes everything");
            }
            _ => address.push(char::from(byte)),
        }
    }
    address
}

pub(super) const WIDTH: f64 = 680.0;
pub(super) const LEFT: f64 = 56.0;
pub(super) const RIGHT: f64 = 32.0;
pub(super) const TOP: f64 = 34.0;
const PANEL: f64 = 130.0;
const GAP: f64 = 40.0;
const BOTTOM: f64 = 48.0;
/// `p` is the paper, `f` a fault, `g` the grid, `x` the axis; texts are `h`eads, `n`otes, in the `m`iddle or at the `e`nd.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#55606b}.h{font-weight:600;fill:#1f2933}.n{fill:#8a6d2f}\
    .m{text-anchor:middle}.e{text-anchor:end}.p{fill:#fff}.f{fill:#f6efdf}.o{fill:#eef2f5;stroke:#c5ced6}\
    .g,.x{fill:none;stroke:#e2e6ea}.x{stroke:#9aa5af}\
    .a,.b,.c{fill:none;stroke:#2d6fa8;stroke-width:2;stroke-linejoin:round}.b{stroke:#c05f32}.c{stroke:#7d8a96}\
    text.a,text.b,text.c{fill:#2d6fa8;stroke:#fff;stroke-width:4px;paint-order:stroke;font-weight:600}\
    text.b{fill:#b0531f}text.c{fill:#66727d}rect.a{fill:#2d6fa8}rect.b{fill:#c05f32}rect.c{fill:#c3ccd4;stroke:none}\
    @media(prefers-color-scheme:dark){text{fill:#a9b4bf}.h{fill:#e6ebf0}.n{fill:#d2b36c}.p{fill:#171b21}.f{fill:#2d281c}\
    .o{fill:#20262e;stroke:#44505c}.g{stroke:#2a313a}.x{stroke:#6b7783}\
    .a{stroke:#79b4e3}.b{stroke:#e59a6f}.c{stroke:#8b97a3}text.a,text.b,text.c{fill:#79b4e3;stroke:#171b21}\
    text.b{fill:#e59a6f}text.c{fill:#a3aeb9}rect.a{fill:#4d8fc4}rect.b{fill:#c9764a}rect.c{fill:#46515c}}";

#[test]
fn numbers_are_as_short_as_they_can_be() {
    assert_eq!([0.0, 2.5, 0.05, 40.0, 1_500.0].map(number), ["0", "2.5", "0.05", "40", "1,500"]);
    assert_eq!([1.0, 1.25, 12.04].map(point), ["1", "1.2", "12"]);
}

#[test]
fn an_address_has_no_character_that_ends_a_link() {
    assert_eq!(address("<a b='#%(é)'/>\n"), "data:image/svg+xml,%3Ca%20b='%23%25%28%C3%A9%29'/%3E");
}
