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
    var size = winsize()
    let isKnown = unsafe ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0
    return chosenWidth(
      columns: environmentVariable("COLUMNS"), measured: isKnown ? Int(size.ws_col) : nil)
  }
}

/// The width to use, from the text of COLUMNS and what a terminal answered; 0 is no answer.
package func chosenWidth(columns: String?, measured: Int?) -> Int? {
  let candidates = [columns.flatMap { Int($0) }, measured]
  return candidates.compactMap { $0 }.first { $0 > 0 }.map { min($0, 10_000) }
}
