// Package gantt draws a timeline: as SVG for a browser, as text for a terminal. What it
// draws follows from the timeline and the moment it is given and from nothing else, so the
// same input always gives the same bytes. It must not read a store, a clock or a terminal,
// and trusts no text: whatever comes from a timeline is escaped and shortened.
//
// A lane is a job with its attempts one after another, a band is the lanes of one phase in
// one region. Where there are very many jobs, a band shows the lanes that say something (on
// the critical path, failed, tried again, running, the longest) and how many of the others
// ran at each moment.
package gantt
