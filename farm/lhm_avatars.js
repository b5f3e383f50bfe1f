// SPDX-License-Identifier: GPL-3.0-or-later
//
// A job type for Flamenco 3.3 and later: a photo becomes an avatar in the set that is submitted, it plays a motion,
// any worker renders a chunk of frames, and a video is made of them. docs/farm.md says how to set it up.
//
// Tasks of the type "lhm-avatars" need the extension, and a graphics card for LHM's models; all others need Blender
// or FFmpeg only.

const EXTENSION_TASK = "lhm-avatars";

const JOB_TYPE = {
    label: "LHM Avatars",
    settings: [
        { key: "photo", type: "string", subtype: "file_path", visible: "submission",
          description: "Photo of the person, on storage that all workers reach; empty if there is an avatar already" },
        { key: "more_photos", type: "string", visible: "submission",
          description: "Engine lift: further photos of the same person, with ; between them" },
        { key: "avatar", type: "string", subtype: "file_path", visible: "submission",
          description: "Avatar file (.lhma) instead of a photo" },
        { key: "engine", type: "string", default: "lift", visible: "submission",
          choices: ["lift", "lhm-mini", "lhm-500m", "lhm-500m-hf", "lhm-1b", "lhm-1b-hf"],
          description: "What makes the avatar; LHM's models want a graphics card" },
        { key: "quality", type: "string", default: "standard", visible: "submission",
          choices: ["quick", "standard", "high", "very-high"],
          description: "Engine lift: how fine the avatar is" },
        { key: "motion", type: "string", subtype: "file_path", visible: "submission",
          description: "Motion file (BVH, AMASS, SMPL-X, LHM, glTF, or the CSV of a face); empty: the person stays in the photo's pose" },
        { key: "in_place", type: "bool", default: false, visible: "submission",
          description: "The motion stays on the spot" },
        { key: "frames", type: "string", required: true,
          eval: "f'{C.scene.frame_start}-{C.scene.frame_end}'",
          evalInfo: { showLinkButton: true, description: "Scene frame range" },
          description: "Frames to render, such as 47, 1-30 or 3, 5-10" },
        { key: "chunk_size", type: "int32", default: 5, visible: "submission", propargs: { min: 1 },
          description: "Frames that a worker renders in one go" },
        { key: "output", type: "string", subtype: "dir_path", required: true,
          description: "Folder for the avatar, the shot, its frames and the video; a new one for each job" },
        { key: "video", type: "bool", default: true, visible: "submission",
          description: "Make a video of the frames" },

        // Found out by the Flamenco add-on.
        { key: "blendfile", type: "string", required: true, visible: "web",
          description: "The set: a .blend with everything but the avatar" },
        { key: "fps", type: "float", eval: "C.scene.render.fps / C.scene.render.fps_base", visible: "hidden" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    check(settings);
    const folder = settings.output.replace(/[\\/]+$/, "");
    const name = stem(settings.avatar || settings.photo);

    const made = settings.avatar ? null : reconstruct(settings, folder);
    const placed = place(settings, folder, name);
    const animated = settings.motion ? animate(settings, folder, name) : null;
    const ready = [made, placed, animated].filter((task) => task !== null);
    const chunks = frameChunker(settings.frames, settings.chunk_size)
        .map((chunk) => render(settings, folder, chunk));

    for (const task of ready.concat(chunks)) {
        job.addTask(task);
    }
    for (let i = 1; i < ready.length; i++) {
        ready[i].addDependency(ready[i - 1]);
    }
    for (const chunk of chunks) {
        chunk.addDependency(ready[ready.length - 1]);
    }
    if (settings.video) {
        const video = assemble(settings, folder, name);
        job.addTask(video);
        for (const chunk of chunks) {
            video.addDependency(chunk);
        }
    }
}

// What cannot work is said when the job is submitted, not by a worker an hour later.
function check(settings) {
    if (!settings.photo === !settings.avatar) {
        throw new Error("Give either a photo or an avatar file.");
    }
    if (settings.more_photos && (settings.avatar || settings.engine !== "lift")) {
        throw new Error("Further photos are for the engine lift, beside a photo.");
    }
    if (settings.avatar && !/\.lhma$/i.test(settings.avatar)) {
        throw new Error("The avatar must be a .lhma file. A .blend with an avatar can be submitted as it is.");
    }
    if (settings.video && /[*?\[\]{}]/.test(settings.output)) {
        throw new Error("The output folder's name must not hold * ? [ ] { or }: FFmpeg looks for files by a pattern.");
    }
}

// 1. From a photo to an avatar.
function reconstruct(settings, folder) {
    const args = ["reconstruct", settings.photo, "-o", `${folder}/avatar.blend`, "--avatar", `${folder}/avatar.lhma`,
                  "--engine", settings.engine];
    if (settings.engine === "lift") {
        args.push("--quality", settings.quality);
        for (const photo of (settings.more_photos || "").split(";")) {
            if (photo.trim()) {
                args.push("--photo", photo.trim());
            }
        }
    }
    return extensionTask("reconstruct", args);
}

// 2. Into the set, and to move there.
function place(settings, folder, name) {
    const avatar = settings.avatar || `${folder}/avatar.lhma`;
    return extensionTask("place", ["place", avatar, "--into", settings.blendfile, "--name", name,
                                   "-o", settings.motion ? `${folder}/placed.blend` : `${folder}/shot.blend`]);
}

function animate(settings, folder, name) {
    const args = ["animate", `${folder}/placed.blend`, settings.motion, "--avatar", name, "-o", `${folder}/shot.blend`];
    return extensionTask("animate", settings.in_place ? args.concat("--in-place") : args);
}

function extensionTask(name, args) {
    const task = author.Task(name, EXTENSION_TASK);
    task.addCommand(author.Command("exec", { exe: "{blender}", args: ["-c", "lhm_avatars"].concat(args) }));
    return task;
}

// 3. A chunk of frames: the shot needs no extension.
function render(settings, folder, chunk) {
    const task = author.Task(`render-${chunk}`, "blender");
    task.addCommand(author.Command("blender-render", {
        exe: "{blender}",
        exeArgs: "{blenderArgs}",
        argsBefore: [],
        blendfile: `${folder}/shot.blend`,
        args: ["--render-output", `${folder}/frames/######`, "--render-format", "PNG",
               "--render-frame", chunk.split("-").join("..")], // Blender's own writing of a range
    }));
    return task;
}

// 4. The video.
function assemble(settings, folder, name) {
    const task = author.Task("video", "ffmpeg");
    task.addCommand(author.Command("frames-to-video", {
        exe: "ffmpeg",
        fps: settings.fps,
        inputGlob: `${folder}/frames/*.png`,
        outputFile: `${folder}/${name}.mp4`,
        // Players want even sides and this way to keep colours.
        args: ["-c:v", "h264", "-crf", "18", "-pix_fmt", "yuv420p", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-y"],
    }));
    return task;
}

// A file's name without folders and ending.
function stem(path) {
    return path.split(/[\\/]/).pop().replace(/\.[^.]*$/, "");
}
