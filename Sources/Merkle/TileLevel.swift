/// Which tiles a tree has on one level.
///
/// A tree of 70,000 leaves has 273 full tiles and one of width 112 on level 0, one full tile and one
/// of width 17 on level 1, and one of width 1 on level 2.
package struct TileLevel: Hashable, Sendable {
  /// 0 for leaf hashes; each hash of a level is the root of a full tile of the level below.
  package let level: Int

  /// How many full tiles there are, the first at index 0.
  package let fullCount: UInt64

  /// The width of the partial tile behind them, or 0 where there is none.
  package let partialWidth: Int

  /// The levels of a tree of `size` leaves, from 0 up: at most eight, none for no leaves.
  package static func all(size: UInt64) -> [TileLevel] {
    (0..<8).filter { size >> UInt64(8 * $0) > 0 }.map { TileLevel(level: $0, size: size) }
  }

  init(level: Int, size: UInt64) {
    let count = size >> UInt64(8 * level)
    self.level = level
    fullCount = count >> 8
    partialWidth = Int(count & 255)
  }

  /// The partial tile, or `nil` where there is none.
  package var partial: Tile? {
    partialWidth == 0 ? nil : Tile(level: level, index: fullCount, width: partialWidth)
  }

  /// All tiles of the level, from left to right, made as they are asked for.
  package var tiles: some Sequence<Tile> {
    let end = fullCount + (partialWidth == 0 ? 0 : 1)
    return (0..<end).lazy.map { index in
      Tile(
        level: level, index: index, width: index < fullCount ? Tile.fullWidth : partialWidth)
    }
  }
}
