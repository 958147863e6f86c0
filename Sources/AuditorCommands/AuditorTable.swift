package import CommandLineInterface
import Presentation

/// The commands of `ledger-audit`: what drives its parser and its help.
package let auditorTable = CommandTable<AuditorWorld>(
  name: "ledger-audit", version: "0.1.0", released: releaseDay,
  summary: "Check a dispatch ledger and replay its history; it writes nothing into it",
  examples: [
    Example("ledger-audit verify -C ledger", "Check every byte"),
    Example("ledger-audit recheck -C ledger", "Make every decision again"),
    Example("ledger-audit replay --all -C ledger", "All that happened, dispatch by dispatch"),
  ],
  globals: Global.all,
  sections: [
    CommandSection(
      "Check",
      [
        VerifyCommand.entry.paged, RecheckCommand.entry.paged, ReplayCommand.entry.paged,
        CompareCommand.entry,
      ]),
    CommandSection(
      "Prove",
      [ProveCommand.entry, ProofCheckCommand.entry, WitnessCommand.entry]),
    CommandSection("Hand on", [ExportCommand.entry, ReportCommand.entry]),
    CommandSection(
      "Look",
      [
        ShowCommands.show.paged, ShowCommands.list.paged, LogCommand.entry.paged,
        CountCommand.entry.paged,
      ]),
  ],
  groups: [CommandGroup("proof", "Check proofs that somebody else made")],
  topics: HelpTopic.all, things: LedgerThings.list)
