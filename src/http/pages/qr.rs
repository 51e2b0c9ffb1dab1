//! A code as inline SVG: one path of runs, with the four modules of quiet that scanners want around it.

use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write;

const QUIET: usize = 4;

/// A drawn code: made here only, so that nothing of it can be anybody's markup.
#[derive(Debug)]
pub struct Drawn(String);

impl Drawn {
    pub fn svg(&self) -> &str {
        &self.0
    }
}

/// `None`: the text is too long for a code.
pub fn draw(content: &str) -> Option<Drawn> {
    let code = QrCode::with_error_correction_level(content.as_bytes(), EcLevel::M).ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let side = width.saturating_add(QUIET.saturating_mul(2));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\" aria-hidden=\"true\" \
         focusable=\"false\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\""
    );
    for (y, row) in modules.chunks(width).enumerate() {
        let mut x = 0_usize;
        for run in row.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                let (left, top) = (x.saturating_add(QUIET), y.saturating_add(QUIET));
                // Writing to a String does not fail.
                let _ = write!(svg, "M{left} {top}h{len}v1h-{len}z", len = run.len());
            }
            x = x.saturating_add(run.len());
        }
    }
    svg.push_str("\"/></svg>");
    Some(Drawn(svg))
}

#[cfg(test)]
mod tests {
    use super::draw;

    #[test]
    fn a_code_is_one_small_path() {
        let drawn = draw("weixin://wxpay/bizpayurl?pr=abcdefghijk&more=abcdefghijklmnopqrstuvwxyz").unwrap();
        assert!(drawn.svg().starts_with("<svg") && drawn.svg().ends_with("</svg>") && drawn.svg().matches("<path").count() == 2);
        assert!(drawn.svg().len() < 9_000, "{}", drawn.svg().len());
        assert!(draw(&"x".repeat(5_000)).is_none());
    }
}
