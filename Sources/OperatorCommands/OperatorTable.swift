package import CommandLineInterface
import Presentation

/// The commands of `dispatch-ledger`: what drives its parser and its help.
package let operatorTable = CommandTable<OperatorWorld>(
  name: "dispatch-ledger", version: "0.1.0", released: releaseDay,
  summary: "Record dispatches, tell those concerned, and keep what shows it",
  examples: [
    Example("dispatch-ledger init -C ledger", "Make a ledger"),
    Example("dispatch-ledger import catalogue.json -C ledger", "Define programs and users"),
    Example("dispatch-ledger dispatch request.json -C ledger", "Record a request"),
  ],
  globals: Global.all,
  sections: [
    CommandSection(
      "Record",
      [
        InitCommand.entry.signed, ImportCommand.entry.signed, DispatchCommand.entry.signed,
        ModifyCommand.entry.signed, ChangeCommands.cancel.signed, ChangeCommands.end.signed,
        AcknowledgeCommand.entry.signed, UserCommands.optOut.signed, UserCommands.optIn.signed,
        UserCommands.enroll.signed, UserCommands.withdraw.signed, RetireCommand.entry.signed,
        SettleCommand.entry.signed, CorrectCommand.entry.signed, ObserveCommand.entry.signed,
        AppendCommand.entry.signed,
      ]),
    CommandSection(
      "Deliver",
      [DeliverCommand.entry.signed, DeliverTestCommand.entry, ResultCommand.entry.signed]),
    CommandSection(
      "Look",
      [
        ShowCommands.show.paged, ShowCommands.list.paged, StatusCommand.entry, DoctorCommand.entry,
        TemplateCommands.preview,
      ]),
    CommandSection(
      "Evidence",
      [
        CheckpointCommand.entry, RotateCommands.key, RotateCommands.log,
        RecordExportCommand.entry.signed,
      ]),
    CommandSection(
      "Retain",
      [
        HoldCommands.place.signed, HoldCommands.release.signed, ArchiveCommand.entry.signed,
        AttachCommand.entry.signed, DisposeCommand.entry.signed,
      ]),
    CommandSection(
      "Maintain",
      [
        ServeCommand.entry.signed, BackupCommand.entry, RepairCommand.entry,
        EraseCommand.entry.signed, ViewCommands.check, ViewCommands.rebuild,
        ConfigCommands.show.paged, ConfigCommands.path, ConfigCommands.check,
      ]),
  ],
  groups: [
    CommandGroup("rotate", "Put another signing key in place, or begin another segment"),
    CommandGroup("hold", "Keep events from being disposed of, or no longer"),
    CommandGroup("view", "Check the views against the log, or build them again"),
    CommandGroup("template", "See what templates make of notices"),
    CommandGroup("config", "Show, find or check the settings"),
  ],
  topics: HelpTopic.all, things: LedgerThings.list)
