/// Lays out the pages of help: examples first, then what the command is and takes.
struct HelpPage<World> {
  let table: CommandTable<World>
  /// The terminal's columns; long lines are hard to read, so more than 100 aren't used.
  let width: Int
  /// Where the text beside a label begins.
  private let textColumn: Int

  init(table: CommandTable<World>, width: Int) {
    self.table = table
    self.width = min(max(width, 40), 100)
    textColumn = min(26, self.width / 3)
  }

  /// The page of a command, of a group of commands, or with an empty path of the program.
  func lines(for path: [String]) -> [String] {
    let entry = table.entry(at: path)
    var blocks = [
      block("EXAMPLES:", examples(path.isEmpty ? table.examples : entry?.examples ?? [])),
      wrapped(
        "OVERVIEW: " + (path.isEmpty ? table.summary : table.summary(of: path)), width: width),
    ]
    blocks += paragraphs(entry?.details ?? "")
    blocks.append(usage(of: path))
    blocks.append(block("ARGUMENTS:", (entry?.arguments ?? []).flatMap(describe)))
    blocks.append(block("OPTIONS:", (entry?.options ?? []).flatMap(describe)))
    if path.isEmpty {
      for section in table.sections {
        let children = table.children(of: path, in: section)
        let title = section.title.uppercased() + ":"
        blocks.append(block(title, children.flatMap { item($0.name, $0.summary) }))
      }
      blocks.append(block("TOPICS:", table.topics.flatMap { item($0.name, $0.summary) }))
    } else {
      let children = table.children(of: path)
      blocks.append(block("SUBCOMMANDS:", children.flatMap { item($0.name, $0.summary) }))
    }
    blocks.append(block("GLOBAL OPTIONS:", table.globals.flatMap(describe)))
    if !table.children(of: path).isEmpty {
      let subject = (["help"] + path).joined(separator: " ")
      let more = "See '\(table.name) \(subject) COMMAND' for more on one command."
      blocks.append(wrapped(more, width: width))
    }
    return Array(blocks.filter { !$0.isEmpty }.joined(separator: [""]))
  }

  func lines(for topic: HelpTopic) -> [String] {
    let blocks = [wrapped(topic.summary, width: width)] + paragraphs(topic.text)
    return Array(blocks.joined(separator: [""]))
  }

  /// The one line that follows an error: what must be given, the rest as `[options]`.
  func shortUsage(of path: [String]) -> String {
    guard let entry = table.entry(at: path) else {
      return (["usage:", table.name] + path + ["COMMAND [options]"]).joined(separator: " ")
    }
    let needed = entry.options.filter { $0.occurrence == .required }
    let hasMore = !table.globals.isEmpty || needed.count < entry.options.count
    let parts =
      entry.usage.map { [$0] } ?? entry.arguments.map(usage(of:)) + needed.map(usage(of:))
      + (hasMore ? ["[options]"] : [])
    return (["usage:", table.name] + path + parts).joined(separator: " ")
  }

  private func usage(of path: [String]) -> [String] {
    var parts = ["COMMAND", "[options]"]
    if let entry = table.entry(at: path) {
      parts =
        entry.usage.map { $0.split(separator: " ").map(String.init) }
        ?? (entry.arguments + entry.options).map(usage(of:))
    }
    let opening = "USAGE: "
    return wrapped(
      [opening + ([table.name] + path).joined(separator: " ")] + parts, width: width,
      indent: opening.count)
  }

  private func usage(of parameter: Parameter) -> String {
    switch parameter.occurrence {
    case .required: parameter.label
    case .optional: "[\(parameter.label)]"
    case .repeated(atLeast: 0): "[\(parameter.label)]..."
    case .repeated: "\(parameter.label)..."
    }
  }

  private func examples(_ examples: [Example]) -> [String] {
    examples.flatMap { example in
      wrapped("# " + example.purpose, width: width - 2) + [example.line]
    }.map { "  " + $0 }
  }

  private func describe(_ parameter: Parameter) -> [String] {
    let label = (parameter.short.map { "-\($0), " } ?? "") + parameter.label
    var remarks: [String] = []
    if !parameter.choices.isEmpty {
      remarks.append("values: " + parameter.choices.joined(separator: ", "))
    }
    if let text = parameter.defaultText { remarks.append("default: \(text)") }
    if let variable = parameter.environment { remarks.append("environment: \(variable)") }
    if parameter.kind == .option {
      switch parameter.occurrence {
      case .required: remarks.append("required")
      case .repeated: remarks.append("repeatable")
      case .optional: break
      }
    }
    // A remark stays in one piece, where a line can hold it.
    let last = remarks.count - 1
    let pieces = remarks.enumerated().flatMap { index, remark in
      let piece = (index == 0 ? "(" : "") + remark + (index == last ? ")" : ";")
      return displayWidth(piece) <= width - textColumn
        ? [piece] : piece.split(separator: " ").map(String.init)
    }
    return item(label, parameter.help.split(separator: " ").map(String.init) + pieces)
  }

  private func item(_ label: String, _ text: String) -> [String] {
    item(label, text.split(separator: " ").map(String.init))
  }

  /// A label, and in the column beside it (or below, when it is long) the text.
  private func item(_ label: String, _ words: [String]) -> [String] {
    var lines = wrapped(words, width: width - textColumn).map {
      String(repeating: " ", count: textColumn) + $0
    }
    if displayWidth(label) + 4 <= textColumn, let first = lines.first {
      lines[0] = padded("  " + label, to: textColumn) + first.dropFirst(textColumn)
    } else {
      lines.insert("  " + label, at: 0)
    }
    return lines
  }

  private func block(_ title: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? [] : [title] + lines
  }

  /// Paragraphs, filled to the width; lines that begin with a space stay as they are.
  private func paragraphs(_ text: String) -> [[String]] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    return lines.split(separator: "").map { paragraph in
      paragraph.allSatisfy { $0.hasPrefix(" ") }
        ? Array(paragraph) : wrapped(paragraph.joined(separator: " "), width: width)
    }
  }
}
