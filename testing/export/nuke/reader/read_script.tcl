# Evaluates a Nuke script as Tcl and prints its nodes and their inputs as JSON.
#
# usage: tclsh read_script.tcl SCRIPT
#
# Two safe interpreters keep the script away from this machine. One has only the commands of a
# script (set, stack, push, version, add_layer, end_group) and takes every other word for the class of
# a node. The other has no command: in the body of a node every word is a knob.

namespace eval script {
  variable nodes {}     ;# JSON of each node, in order
  variable stacks {{}}  ;# stacks of node numbers, the innermost group last; the top is the end
  variable groups {}    ;# numbers of the open groups
  variable version ""
  variable layers {}    ;# JSON of each layer
}

proc json {text} {
  set text [string map {\\ \\\\ \" \\\" \n \\n \t \\t} $text]
  return "\"$text\""
}

proc json_list {items} {
  return "\[[join $items ", "]\]"
}

proc json_strings {texts} {
  return [json_list [lmap text $texts {json $text}]]
}

# Returns the JSON of one addUserKnob: class, name, then options of one or two words, then flags. after
# is the number of knobs before it.
proc user_knob {spec after} {
  set parts [lassign $spec kind name]
  set pairs [list "\"kind\": [json $kind]" "\"name\": [json $name]" "\"after\": $after"]
  while {[llength $parts]} {
    set parts [lassign $parts option]
    switch -regexp -- $option {
      ^[lntT]$ { set parts [lassign $parts value]; lappend pairs "[json $option]: [json $value]" }
      ^M$ { set parts [lassign $parts value]; lappend pairs "\"M\": [json_strings $value]" }
      ^R$ { set parts [lassign $parts low high]; lappend pairs "\"R\": [json_strings [list $low $high]]" }
      {^[+-][A-Z]+$} { lappend pairs "[json $option]: true" }
      default { error "unknown option of addUserKnob: $option" }
    }
  }
  return "{[join $pairs ", "]}"
}

proc script::knob {name args} {
  variable knobs
  if {[llength $args] != 1} {
    error "a knob takes one value: $name $args"
  }
  lappend knobs $name [lindex $args 0]
}

# Pops a node number off the stack of the innermost open group.
proc script::pop {} {
  variable stacks
  set stack [lindex $stacks end]
  if {![llength $stack]} {
    error "the stack is empty"
  }
  lset stacks end [lrange $stack 0 end-1]
  return [lindex $stack end]
}

proc script::push {number} {
  variable stacks
  lset stacks end [concat [lindex $stacks end] $number]
}

proc script::stack {depth} {
  variable stacks
  return [lindex $stacks end end-$depth]
}

proc script::node {class args} {
  variable nodes
  variable knobs {}
  variable groups
  variable stacks
  if {[llength $args] != 1 || ![regexp {^[A-Z]\w*$} $class]} {
    error "not a node and not a command: $class $args"
  }
  interp eval body [lindex $args 0]
  set plain {}
  set user {}
  foreach {name value} $knobs {
    if {$name eq "addUserKnob"} {
      lappend user [user_knob $value [llength $plain]]
    } else {
      lappend plain "\[[json $name], [json $value]\]"
    }
  }
  # The file of a gizmo tells its number of inputs but takes none from the stack.
  set wanted [expr {$class eq "Gizmo" ? 0 : [dict exists $knobs inputs] ? [dict get $knobs inputs] : 1}]
  set inputs {}
  for {set i 0} {$i < $wanted} {incr i} {
    lappend inputs [pop]
  }
  set number [llength $nodes]
  set group [expr {[llength $groups] ? [lindex $groups end] : "null"}]
  lappend nodes "{\"class\": [json $class], \"group\": $group, \"inputs\": [json_list $inputs],\
    \"knobs\": [json_list $plain], \"user_knobs\": [json_list $user]}"
  push $number
  if {$class in {Gizmo Group}} {
    lappend groups $number
    lappend stacks {}
  }
}

proc script::end_group {} {
  variable groups
  variable stacks
  variable left
  if {![llength $groups]} {
    error "end_group with no group open"
  }
  lappend left {*}[lindex $stacks end]
  set groups [lrange $groups 0 end-1]
  set stacks [lrange $stacks 0 end-1]
}

proc script::version {number {patch ""}} {
  variable version
  set version [string trim "$number $patch"]
}

proc script::add_layer {spec} {
  variable layers
  set channels [lassign $spec layer]
  lappend layers "[json $layer]: [json_strings $channels]"
}

interp create -safe body
foreach command [interp eval body {info commands}] {
  interp hide body $command
}
interp alias body unknown {} script::knob

interp create -safe nuke
foreach command [interp eval nuke {info commands}] {
  if {$command ne "set"} {
    interp hide nuke $command
  }
}
foreach command {push stack end_group version add_layer} {
  interp alias nuke $command {} script::$command
}
interp alias nuke unknown {} script::node

set channel [open [lindex $argv 0]]
fconfigure $channel -encoding utf-8
set text [read $channel]
close $channel
set script::left {}
interp eval nuke $text
if {[llength $script::groups]} {
  error "a group is open at the end"
}
fconfigure stdout -encoding utf-8
puts "{\"version\": [json $script::version], \"layers\": {[join $script::layers ", "]},"
puts " \"nodes\": [json_list $script::nodes],"
puts " \"left\": [json_list [concat $script::left [lindex $script::stacks end]]]}"
