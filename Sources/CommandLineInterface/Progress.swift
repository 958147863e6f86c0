import Bytes

/// How far a long command has come, on one line of standard error that is written over.
///
/// It shows only where a person watches, begins after half a second, and goes away again before
/// anything else is written.
package final class Progress {
  /// What is counted, and how a count of it is told.
  package enum Unit: Sendable { case bytes, entries }

  private let label: String
  private let unit: Unit
  private let console: Console
  private let start: UInt64
  private var isShown: Bool
  private var lastShown: UInt64 = 0
  private var isOnScreen = false

  /// Nanoseconds before the first line, and between two of them.
  private static let patience: UInt64 = 500_000_000
  private static let pause: UInt64 = 200_000_000

  init(_ label: String, _ unit: Unit, on console: Console, isShown: Bool) {
    self.label = label
    self.unit = unit
    self.console = console
    self.isShown = isShown
    start = console.monotonicNanoseconds()
  }

  /// Whether what it would take to know the total is worth its while.
  package var isWatched: Bool { isShown }

  /// Tells that `done` of `total` are done; it may be called often.
  package func advance(to done: UInt64, of total: UInt64) {
    guard isShown else { return }
    let now = console.monotonicNanoseconds()
    let elapsed = now - min(now, start)
    guard elapsed >= Self.patience, !isOnScreen || now - lastShown >= Self.pause else { return }
    lastShown = now
    isOnScreen = true
    let text = line(done: min(done, total), total: total, elapsed: elapsed)
    write("\r" + text + "\u{1B}[K")
  }

  /// Takes the line away; a later ``advance(to:of:)`` brings it back.
  func clear() {
    guard isOnScreen else { return }
    isOnScreen = false
    write("\r\u{1B}[K")
  }

  /// Takes the line away for good.
  package func finish() {
    clear()
    isShown = false
  }

  private func write(_ text: String) {
    do { try console.talk(Array(text.utf8)) } catch {}
  }

  /// As much of it as fits: the amount is left out first, then the rate.
  private func line(done: UInt64, total: UInt64, elapsed: UInt64) -> String {
    let share = total > 0 ? Double(done) / Double(total) : 0
    let rate = Double(done) / (Double(elapsed) / 1e9)
    let left = done > 0 ? Double(total - done) / rate : 0
    let name = "\(label) \(Int(share * 100))%"
    let amount = "\(told(Double(done))) of \(told(Double(total)))"
    let speed = "\(told(rate))/s"
    let rest = done > 0 ? "\(timeText(seconds: left)) left" : ""
    let choices = [[name, amount, speed, rest], [name, speed, rest], [name, rest], [name]]
    let lines = choices.map { $0.filter { !$0.isEmpty }.joined(separator: "  ") }
    return lines.first { displayWidth($0) < console.width }
      ?? truncated(name, to: console.width - 1)
  }

  private func told(_ count: Double) -> String {
    switch unit {
    case .bytes: byteText(count)
    case .entries: groupedText(UInt64(count))
    }
  }
}

/// `1.2 GB`, in powers of 1,000.
package func byteText(_ count: Double) -> String {
  var (number, unit) = (count, 0)
  let units = ["B", "kB", "MB", "GB", "TB", "PB"]
  while number >= 999.5, unit < units.count - 1 {
    number /= 1_000
    unit += 1
  }
  let tenths = Int((number * 10).rounded())
  return unit > 0 && tenths < 100
    ? "\(tenths / 10).\(tenths % 10) \(units[unit])" : "\(Int(number.rounded())) \(units[unit])"
}

/// `1,234,567`.
package func groupedText(_ number: UInt64) -> String {
  let digits = Array(String(number))
  var text = ""
  for (index, digit) in digits.enumerated() {
    if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
    text.append(digit)
  }
  return text
}

/// `12 s`, `3 min 12 s`, `2 h 5 min`.
private func timeText(seconds: Double) -> String {
  let whole = Int(min(seconds.rounded(.up), 1e9))
  if whole < 60 { return "\(whole) s" }
  if whole < 3_600 { return "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3_600) h \(whole / 60 % 60) min"
}
