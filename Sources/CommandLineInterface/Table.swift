import Bytes

/// Rows under titles, for eyes; programs read `--json`.
package struct Table {
  package struct Column: Sendable {
    enum Kind { case text, exact, number }
    let kind: Kind
    let title: String

    /// Free text, cut with `…` where the table is wider than the terminal.
    package static func text(_ title: String) -> Column { Column(kind: .text, title: title) }

    /// What is of no use when cut: ids, times, states.
    package static func exact(_ title: String) -> Column { Column(kind: .exact, title: title) }

    /// Aligned on the right, never cut.
    package static func number(_ title: String) -> Column { Column(kind: .number, title: title) }
  }

  private let columns: [Column]
  private var rows: [(cells: [String], style: Style?)] = []

  package init(_ columns: Column...) { self.columns = columns }

  package var isEmpty: Bool { rows.isEmpty }

  /// Adds a row with one cell a column.
  package mutating func append(_ cells: String..., style: Style? = nil) {
    invariant(
      cells.count == columns.count, "a row of \(cells.count) cells in \(columns.count) columns")
    rows.append((cells.map(terminalSafe), style))
  }

  /// The title line and the rows, each without spaces at its end.
  ///
  /// - Parameter width: What to fit into, by cutting text columns down to eight columns
  ///   each, else by a block of lines a row; `nil` cuts nothing.
  func lines(width: Int?) -> [(text: String, style: Style?)] {
    let all = [(cells: columns.map(\.title), style: Style?.some(.strong))] + rows
    var widths = columns.indices.map { column in
      all.map { displayWidth($0.cells[column]) }.max() ?? 0
    }
    if let width, !fit(&widths, into: width) { return stacked(width: width) }
    return all.map { row in
      let cells = columns.indices.map { column in
        padded(
          truncated(row.cells[column], to: widths[column]), to: widths[column],
          onTheLeft: columns[column].kind == .number)
      }
      return (trimmed(cells.joined(separator: "  ")), row.style)
    }
  }

  /// The rows as blocks of a line a cell, for a terminal that is too narrow for columns.
  private func stacked(width: Int) -> [(text: String, style: Style?)] {
    let titleWidth = columns.map { displayWidth($0.title) }.max() ?? 0
    var lines: [(text: String, style: Style?)] = []
    for row in rows {
      if !lines.isEmpty { lines.append(("", nil)) }
      for (column, cell) in zip(columns, row.cells) {
        let room = width - titleWidth - 2
        if column.kind != .text, displayWidth(cell) > room {
          // What can't be cut stands beneath its title.
          lines += [(column.title, row.style), ("  " + cell, row.style)]
        } else {
          let text = truncated(cell, to: max(8, room))
          lines.append((trimmed(padded(column.title, to: titleWidth) + "  " + text), row.style))
        }
      }
    }
    return lines
  }

  /// Takes from the widest text column until the table fits, or none has more than eight columns.
  ///
  /// - Returns: Whether it fits.
  private func fit(_ widths: inout [Int], into width: Int) -> Bool {
    var excess = widths.reduce(2 * (columns.count - 1), +) - width
    let texts = columns.indices.filter { columns[$0].kind == .text }
    while excess > 0, let widest = texts.max(by: { widths[$0] < widths[$1] }), widths[widest] > 8 {
      widths[widest] -= 1
      excess -= 1
    }
    return excess <= 0
  }
}

/// Names and values beneath each other, the values aligned.
package struct KeyValueBlock: ExpressibleByDictionaryLiteral {
  private var pairs: [(key: String, value: String)]

  package init(dictionaryLiteral elements: (String, String)...) {
    pairs = elements.map { (terminalSafe($0.0), terminalSafe($0.1)) }
  }

  /// Adds a line; an empty key goes on with the values of the one before.
  package mutating func append(_ key: String, _ value: String) {
    pairs.append((terminalSafe(key), terminalSafe(value)))
  }

  var lines: [String] {
    let width = pairs.map { displayWidth($0.key) }.max() ?? 0
    return pairs.map { trimmed(padded($0.key, to: width) + "  " + $0.value) }
  }
}

private func trimmed(_ line: String) -> String {
  String(line.reversed().drop { $0 == " " }.reversed())
}
