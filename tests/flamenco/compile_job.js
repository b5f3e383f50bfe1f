// The part of Flamenco's Manager that compiles jobs, for tests: node compile_job.js SCRIPT < JOB.json prints the job
// type and the tasks. It takes only what Flamenco's documentation describes.
"use strict";
const fs = require("fs");
const vm = require("vm");

class Command {
    constructor(name, parameters) {
        this.name = name;
        this.parameters = parameters;
    }
}

class Task {
    constructor(name, type) {
        this.name = name;
        this.type = type;
        this.commands = [];
        this.dependencies = [];
    }
    addCommand(command) {
        if (!(command instanceof Command)) throw new TypeError("addCommand takes a command");
        this.commands.push(command);
    }
    addDependency(task) {
        if (!(task instanceof Task)) throw new TypeError("addDependency takes a task");
        this.dependencies.push(task);
    }
}

// "1-5, 8" in chunks of 2 is "1-2", "3-4", "5,8".
function frameChunker(text, size) {
    const frames = [];
    for (const part of text.split(",")) {
        const ends = part.trim().split("-").map(Number);
        if (ends.length > 2 || !ends.every(Number.isInteger)) throw new Error(`bad frame range ${part}`);
        for (let frame = ends[0]; frame <= ends[ends.length - 1]; frame++) frames.push(frame);
    }
    const chunks = [];
    for (let i = 0; i < frames.length; i += size) chunks.push(written(frames.slice(i, i + size)));
    return chunks;
}

function written(frames) {
    const runs = [];
    for (const frame of frames) {
        const last = runs[runs.length - 1];
        if (last && last[1] === frame - 1) last[1] = frame;
        else runs.push([frame, frame]);
    }
    return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

const tasks = [];
const job = {
    ...JSON.parse(fs.readFileSync(0, "utf8")),
    addTask(task) {
        if (!(task instanceof Task) || tasks.includes(task)) throw new TypeError("addTask takes a new task");
        tasks.push(task);
    },
};
const author = {
    Task: (name, type) => new Task(name, type),
    Command: (name, parameters) => new Command(name, parameters),
};
const context = vm.createContext({ author, frameChunker, print: console.error });
try {
    vm.runInContext(`${fs.readFileSync(process.argv[2], "utf8")}\nthis.JOB_TYPE = JOB_TYPE;`, context);
    if (job.settings) context.compileJob(job);
    const flat = tasks.map((task) => ({
        ...task,
        dependencies: task.dependencies.map((other) => tasks.indexOf(other)),
    }));
    console.log(JSON.stringify({ type: context.JOB_TYPE, tasks: flat }));
} catch (error) {
    console.error(error.message);
    process.exit(1);
}
