/// A file of a tiled log (C2SP tlog-tiles): up to 256 hashes of one level, or the entries under
/// them, named by its place.
package struct Tile: Hashable, Sendable {
  /// How many hashes or entries a full tile has.
  package static let fullWidth = 256

  /// What a tile holds.
  package enum Content: Hashable, Sendable {
    /// The roots of perfect subtrees of 256^`level` leaves, 32 bytes each.
    case hashes(level: Int)

    /// The entries whose leaf hashes the tile of level 0 at the same place holds.
    case entries
  }

  package let content: Content

  /// Which tile of its level, from the left, from 0.
  package let index: UInt64

  /// How many hashes or entries: 1...255 of a partial tile, 256 of a full one.
  package let width: Int

  /// The tile, or `nil` beyond the levels 0...63, the widths 1...256 and the indexes up to 2^63 - 1.
  package init?(_ content: Content, index: UInt64, width: Int = fullWidth) {
    if case .hashes(let level) = content, !(0...63).contains(level) { return nil }
    guard (1...Self.fullWidth).contains(width), index <= DecimalText.greatest else { return nil }
    self.content = content
    self.index = index
    self.width = width
  }

  /// For places that follow from a tree's size.
  init(level: Int, index: UInt64, width: Int) {
    content = .hashes(level: level)
    self.index = index
    self.width = width
  }

  /// Where the tile stands under a log's prefix: `tile/<level>/<index>`, and `.p/<width>` behind a
  /// partial one.
  package var path: String {
    let place =
      switch content {
      case .hashes(let level): String(level)
      case .entries: "entries"
      }
    var groups = [group(index % 1000)]
    var rest = index / 1000
    while rest > 0 {
      groups.append("x" + group(rest % 1000))
      rest /= 1000
    }
    let suffix = width == Self.fullWidth ? "" : ".p/\(width)"
    return "tile/\(place)/\(groups.reversed().joined(separator: "/"))\(suffix)"
  }

  /// Reads the one spelling of a path, or gives `nil`.
  ///
  /// The inverse pair: `Tile(path: t.path) == t`.
  package init?(path: String) {
    let slash = UInt8(ascii: "/")
    var words = Array(path.utf8).split(separator: slash, omittingEmptySubsequences: false)[...]
    guard words.count <= 12, words.popFirst().map(Array.init) == Array("tile".utf8),
      let place = words.popFirst()
    else { return nil }
    var width = Self.fullWidth
    if words.count >= 2, words[words.endIndex - 2].suffix(2).elementsEqual(".p".utf8) {
      guard let number = words.popLast().flatMap(DecimalText.read), number < Self.fullWidth,
        let last = words.popLast()
      else { return nil }
      width = Int(number)
      words.append(last.dropLast(2))
    }
    var index: UInt64 = 0
    for word in words {
      let digits = word.first == UInt8(ascii: "x") ? word.dropFirst() : word
      guard digits.count == 3, let number = threeDigits(digits) else { return nil }
      let (product, overflow) = index.multipliedReportingOverflow(by: 1000)
      let (sum, carry) = product.addingReportingOverflow(number)
      if overflow || carry { return nil }
      index = sum
    }
    let isEntries = place.elementsEqual("entries".utf8)
    let level = isEntries ? 0 : DecimalText.read(place)
    guard !words.isEmpty, let level, level <= 63 else { return nil }
    self.init(isEntries ? .entries : .hashes(level: Int(level)), index: index, width: width)
    // Only one spelling: no leading groups of zeros, no `x` that is missing or too many.
    guard self.path.utf8.elementsEqual(path.utf8) else { return nil }
  }
}

/// Three digits.
private func group(_ number: UInt64) -> String {
  let digits = String(number)
  return String(repeating: "0", count: 3 - digits.utf8.count) + digits
}

private func threeDigits(_ digits: some Collection<UInt8>) -> UInt64? {
  var number: UInt64 = 0
  for byte in digits {
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
    number = number * 10 + UInt64(byte - UInt8(ascii: "0"))
  }
  return number
}
