#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

extension StandardStream {
  /// How many columns the terminal at the other end has, or `nil` where there is none.
  ///
  /// The variable COLUMNS overrides what the terminal says, and stands in where there is none.
  package var width: Int? {
    chosenWidth(
      columns: environmentVariable("COLUMNS"), measured: windowSize.map { Int($0.ws_col) })
  }

  /// How many lines it has; LINES overrides likewise.
  package var height: Int? {
    chosenWidth(columns: environmentVariable("LINES"), measured: windowSize.map { Int($0.ws_row) })
  }

  private var windowSize: winsize? {
    var size = winsize()
    return unsafe ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0 ? size : nil
  }
}

/// The width to use, from the text of COLUMNS and what a terminal answered; 0 is no answer.
package func chosenWidth(columns: String?, measured: Int?) -> Int? {
  let candidates = [columns.flatMap { Int($0) }, measured]
  return candidates.compactMap { $0 }.first { $0 > 0 }.map { min($0, 10_000) }
}
