/// Stops the program when our own reasoning is wrong: never for bad input, never for a bad disk.
///
/// Unlike `precondition`, its text survives a release build, so that a report from the field names
/// the broken assumption.
@inlinable
package func invariant(
  _ condition: @autoclosure () -> Bool, _ text: @autoclosure () -> String,
  file: StaticString = #fileID, line: UInt = #line
) {
  if !condition() { fatalError("invariant broken: \(text())", file: file, line: line) }
}
