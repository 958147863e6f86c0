import Bytes

/// A bar chart of counts as SVG, and the table of the same numbers behind it.
///
/// Parts of a bar differ by pattern and label, not by colour alone.
struct ReportChart {
  /// One bar: its name, and how much of each part it has.
  struct Bar {
    let name: String
    let counts: [Int]
  }

  let title: String
  /// What the first column of the table holds.
  let subject: String
  /// What the parts of a bar are, at most ``patterns``.
  let parts: [String]
  let bars: [Bar]

  /// How many patterns there are to tell parts apart by.
  static let patterns = 6

  private static let width = 800
  /// As many letters of a name are shown; an id of ours has 36.
  private static let nameScalars = 40
  private static let barHeight = 22
  private static let step = 30

  /// The patterns, once for all charts of a document.
  static func addPatterns(to html: inout HTMLWriter) {
    html.element(
      "svg", ["class": "patterns", "width": "0", "height": "0", "aria-hidden": "true"]
    ) { html in
      html.element("defs") { html in
        for (index, marks) in marks.enumerated() {
          html.element(
            "pattern",
            [
              "id": "p\(index)", "width": "8", "height": "8", "patternUnits": "userSpaceOnUse",
            ]
          ) { html in
            html.empty("rect", ["class": "c\(index)", "width": "8", "height": "8"])
            if !marks.isEmpty { html.empty("path", ["class": "mark", "d": marks]) }
          }
        }
      }
    }
  }

  /// Plain, rising lines, falling lines, dots, crosses, upright lines.
  private static let marks = [
    "", "M0 8L8 0", "M0 0L8 8", "M3 4h2", "M2 4h4M4 2v4", "M4 0v8",
  ]

  func add(to html: inout HTMLWriter) {
    html.element("figure") { html in
      html.element("figcaption", text: title)
      addPicture(to: &html)
      addLegend(to: &html)
      let rows = bars.map { bar in
        [bar.name] + bar.counts.map(String.init)
          + (parts.count > 1 ? ["\(bar.counts.reduce(0, +))"] : [])
      }
      html.table(
        [subject] + parts + (parts.count > 1 ? ["all"] : []), rows, caption: "\(title), in numbers")
    }
  }

  private func addPicture(to html: inout HTMLWriter) {
    let greatest = max(1, bars.map { $0.counts.reduce(0, +) }.max() ?? 1)
    let room = Self.width - nameWidth - 60
    let height = bars.count * Self.step + 4
    html.element(
      "svg",
      [
        "viewBox": "0 0 \(Self.width) \(height)", "role": "img",
        "aria-label": "\(title): the table below has the numbers",
      ]
    ) { html in
      for (row, bar) in bars.enumerated() {
        let y = row * Self.step + 4
        html.element(
          "text", ["class": "name", "x": "\(nameWidth - 8)", "y": "\(y + 16)"],
          text: shortened(bar.name))
        // Where each part begins is rounded, not how long it is: so no bar is longer than its sum.
        var sum = 0
        for (part, count) in bar.counts.enumerated() where count > 0 {
          let from = sum * room / greatest
          sum += count
          let to = max(sum * room / greatest, from + 1)
          html.empty(
            "rect",
            [
              "x": "\(nameWidth + from)", "y": "\(y)", "width": "\(to - from)",
              "height": "\(Self.barHeight)", "fill": "url(#p\(part))", "class": "part",
            ])
        }
        html.element(
          "text",
          [
            "class": "count", "x": "\(nameWidth + sum * room / greatest + 6)",
            "y": "\(y + 16)",
          ], text: "\(sum)")
      }
    }
  }

  private func addLegend(to html: inout HTMLWriter) {
    if parts.count < 2 { return }
    html.element("p", ["class": "legend"]) { html in
      for (index, part) in parts.enumerated() {
        html.element("span") { html in
          html.element("svg", ["width": "16", "height": "16", "aria-hidden": "true"]) { html in
            html.empty(
              "rect",
              [
                "x": "1", "y": "1", "width": "14", "height": "14", "fill": "url(#p\(index))",
                "class": "part",
              ])
          }
          html.add(" \(part) ")
        }
      }
    }
  }

  private func shortened(_ name: String) -> String {
    let scalars = name.unicodeScalars
    let limit = Self.nameScalars
    return scalars.count > limit ? "\(String(scalars.prefix(limit - 1)))…" : name
  }

  /// Room for the longest name, at about 8 points a letter.
  private var nameWidth: Int {
    let longest = bars.map { min($0.name.unicodeScalars.count, Self.nameScalars) }.max() ?? 0
    return max(150, longest * 8 + 12)
  }
}
