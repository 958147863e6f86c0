/// The bytes of a tile of entries (C2SP tlog-tiles): each entry behind its length in two bytes, the
/// greater first.
package enum EntryBundle {
  /// The longest entry; the length of an event line is limited for it (FORMAT.md §8).
  package static let longestEntry = 65_535

  /// Appends an entry, or gives `false` where it is too long and nothing was appended.
  package static func append(_ entry: some Collection<UInt8>, to bundle: inout [UInt8]) -> Bool {
    let count = entry.count
    guard count <= longestEntry else { return false }
    bundle.append(UInt8(count >> 8))
    bundle.append(UInt8(count & 0xFF))
    bundle.append(contentsOf: entry)
    return true
  }

  /// The entries of a tile of `width`, or `nil` where the bytes aren't exactly so many.
  ///
  /// The inverse pair: what was appended `width` times is read again.
  package static func entries(of bundle: [UInt8], width: Int) -> [ArraySlice<UInt8>]? {
    var entries: [ArraySlice<UInt8>] = []
    var rest = bundle[...]
    while let high = rest.popFirst() {
      guard entries.count < width, let low = rest.popFirst() else { return nil }
      let count = Int(high) << 8 | Int(low)
      guard count <= rest.count else { return nil }
      entries.append(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    return entries.count == width ? entries : nil
  }
}
